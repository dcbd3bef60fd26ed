//! Reading bytes field by field. Each field has a name, so that an error can say which field is
//! wrong, where it is, what was expected and what was found.

use crate::base::{DecodeError, Key, KeyRange, Lsn, LsnRange};

/// A reader of bytes, with its position.
pub(super) struct Take<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Take<'a> {
    pub fn new(bytes: &'a [u8]) -> Take<'a> {
        Take { bytes, offset: 0 }
    }

    /// The offset of the next field, in bytes.
    pub fn offset(&self) -> u64 {
        self.offset as u64
    }

    /// The bytes that have not been read.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.offset..]
    }

    /// Takes all bytes that have not been read.
    pub fn take_rest(&mut self) -> &'a [u8] {
        let rest = self.rest();
        self.offset = self.bytes.len();
        rest
    }

    pub fn take_bytes(&mut self, len: usize, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let Some((taken, rest)) = self.rest().split_at_checked(len) else {
            let left = self.rest().len();
            return self.malformed(what, format!("expected {len} bytes, found {left}"));
        };
        self.offset = self.bytes.len() - rest.len();
        Ok(taken)
    }

    pub fn take_array<const N: usize>(
        &mut self,
        what: &'static str,
    ) -> Result<[u8; N], DecodeError> {
        let taken = self.take_bytes(N, what)?;
        Ok(taken.try_into().expect("exactly N bytes were taken"))
    }

    pub fn take_u8(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        self.take_array(what).map(u8::from_be_bytes)
    }

    pub fn take_u16(&mut self, what: &'static str) -> Result<u16, DecodeError> {
        self.take_array(what).map(u16::from_be_bytes)
    }

    pub fn take_u32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        self.take_array(what).map(u32::from_be_bytes)
    }

    pub fn take_u64(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        self.take_array(what).map(u64::from_be_bytes)
    }

    /// Takes one byte that is 0 or 1.
    pub fn take_flag(&mut self, what: &'static str) -> Result<bool, DecodeError> {
        let start = self.offset();
        match self.take_u8(what)? {
            0 => Ok(false),
            1 => Ok(true),
            found => {
                let problem = format!("expected 0 or 1, found {found}");
                Err(DecodeError::malformed(what, start, problem))
            }
        }
    }

    /// Takes a `u64` count of items of `item_len` bytes, and checks that as many follow.
    pub fn take_count(&mut self, item_len: u64, what: &'static str) -> Result<usize, DecodeError> {
        let start = self.offset();
        let count = self.take_u64(what)?;
        let left = self.rest().len();
        let is_there = count
            .checked_mul(item_len)
            .is_some_and(|len| len <= left as u64);
        match usize::try_from(count) {
            Ok(count) if is_there => Ok(count),
            _ => {
                let problem = format!("{count} times {item_len} bytes, but {left} follow");
                Err(DecodeError::malformed(what, start, problem))
            }
        }
    }

    /// Takes a `u64` length and as many bytes.
    pub fn take_counted(&mut self, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let len = self.take_count(1, what)?;
        self.take_bytes(len, what)
    }

    pub fn take_key(&mut self, what: &'static str) -> Result<Key, DecodeError> {
        self.take_array(what).map(Key::from_bytes)
    }

    pub fn take_lsn(&mut self, what: &'static str) -> Result<Lsn, DecodeError> {
        self.take_u64(what).map(Lsn)
    }

    /// Takes two keys as a range that holds at least one key.
    pub fn take_keys(&mut self, what: &'static str) -> Result<KeyRange, DecodeError> {
        let start = self.offset();
        let keys = KeyRange::new(self.take_key(what)?, self.take_key(what)?);
        if keys.is_empty() {
            let problem = format!("expected a key, found the empty range {keys}");
            return Err(DecodeError::malformed(what, start, problem));
        }
        Ok(keys)
    }

    /// Takes two LSNs as a range that holds at least one LSN.
    pub fn take_lsns(&mut self, what: &'static str) -> Result<LsnRange, DecodeError> {
        let start = self.offset();
        let lsns = LsnRange::new(self.take_lsn(what)?, self.take_lsn(what)?);
        if lsns.is_empty() {
            let problem = format!("expected an LSN, found the empty range {lsns}");
            return Err(DecodeError::malformed(what, start, problem));
        }
        Ok(lsns)
    }

    /// Checks that all bytes were read.
    pub fn finish(self, what: &'static str) -> Result<(), DecodeError> {
        match self.rest().len() {
            0 => Ok(()),
            left => self.malformed(what, format!("expected the end, found {left} more bytes")),
        }
    }

    /// The error for the next field.
    pub fn malformed<T>(&self, what: &'static str, problem: String) -> Result<T, DecodeError> {
        Err(DecodeError::malformed(what, self.offset(), problem))
    }
}
