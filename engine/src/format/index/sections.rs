//! The sections of an index: named parts, of which a reader may know only some.

use std::collections::BTreeMap;

use crate::base::DecodeError;
use crate::format::take::Take;

/// The length of a name, in bytes.
const NAME_LEN: usize = 8;

/// A section, and where it stands in the index.
pub(super) struct Section<'a> {
    offset: u64,
    bytes: &'a [u8],
}

/// Appends a section that every reader must know.
pub(super) fn encode(out: &mut Vec<u8>, name: &str, section: &[u8]) {
    out.extend_from_slice(&padded(name));
    out.push(u8::from(true));
    out.extend_from_slice(&(section.len() as u64).to_be_bytes());
    out.extend_from_slice(section);
}

/// Takes the number of the sections and all of them. Returns those that are known, by name.
///
/// # Errors
/// `UnknownSection` if one that is required is not known.
pub(super) fn take<'a>(
    take: &mut Take<'a>,
    known: &[&'static str],
) -> Result<BTreeMap<&'static str, Section<'a>>, DecodeError> {
    let section_count = take.take_u32("section count")?;
    let mut found = BTreeMap::new();
    let mut last = None;
    for _ in 0..section_count {
        let start = take.offset();
        let name: [u8; NAME_LEN] = take.take_array("section name")?;
        if last.is_some_and(|last| name <= last) {
            let problem = "expected a name behind the last section's".to_owned();
            return Err(DecodeError::malformed("section name", start, problem));
        }
        last = Some(name);
        let is_required = take.take_flag("section is required")?;
        let bytes = take.take_counted("section")?;
        let offset = take.offset() - bytes.len() as u64;
        match known.iter().find(|known| padded(known) == name) {
            Some(known) if is_required => {
                found.insert(*known, Section { offset, bytes });
            }
            Some(known) => {
                let problem = format!("expected that {known} is required");
                return Err(DecodeError::malformed(
                    "section is required",
                    start + NAME_LEN as u64,
                    problem,
                ));
            }
            None if is_required => {
                let len = name.iter().rposition(|byte| *byte != 0);
                let name = &name[..len.map_or(0, |last| last + 1)];
                let name = name.escape_ascii().to_string();
                return Err(DecodeError::UnknownSection { name });
            }
            None => {}
        }
    }
    Ok(found)
}

impl<'a> Section<'a> {
    /// Reads the section, which is all that `read` may find.
    pub(super) fn read<T>(
        self,
        what: &'static str,
        read: impl FnOnce(&mut Take<'a>) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let mut take = Take::new(self.bytes);
        let value = read(&mut take).and_then(|value| take.finish(what).map(|()| value));
        value.map_err(|error| error.at(self.offset))
    }
}

fn padded(name: &str) -> [u8; NAME_LEN] {
    let mut padded = [0; NAME_LEN];
    padded[..name.len()].copy_from_slice(name.as_bytes());
    padded
}
