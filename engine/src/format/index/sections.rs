//! The sections of an index: named parts, of which a reader may know only some.

use std::collections::BTreeMap;

use super::IndexSection;
use crate::base::DecodeError;
use crate::format::take::Take;

/// The length of a name, in bytes.
const NAME_LEN: usize = 8;

/// A section, and where it stands in the index.
pub(super) struct Section<'a> {
    offset: u64,
    bytes: &'a [u8],
}

/// Appends a section of this name, which every reader must know or may ignore.
pub(super) fn encode(out: &mut Vec<u8>, (name, is_required): (&str, bool), section: &[u8]) {
    out.extend_from_slice(&padded(name));
    out.push(u8::from(is_required));
    out.extend_from_slice(&(section.len() as u64).to_be_bytes());
    out.extend_from_slice(section);
}

/// A section as it stands in the index, known or not.
pub(super) struct Listed<'a> {
    start: u64,
    name: [u8; NAME_LEN],
    is_required: bool,
    section: Section<'a>,
}

/// Takes the number of the sections and all of them.
pub(super) fn list<'a>(take: &mut Take<'a>) -> Result<Vec<Listed<'a>>, DecodeError> {
    let section_count = take.take_u32("section count")?;
    let mut found: Vec<Listed<'a>> = Vec::new();
    for _ in 0..section_count {
        let start = take.offset();
        let name: [u8; NAME_LEN] = take.take_array("section name")?;
        if found.last().is_some_and(|last| name <= last.name) {
            let problem = "expected a name behind the last section's".to_owned();
            return Err(DecodeError::malformed("section name", start, problem));
        }
        let is_required = take.take_flag("section is required")?;
        let bytes = take.take_counted("section")?;
        let offset = take.offset() - bytes.len() as u64;
        found.push(Listed {
            start,
            name,
            is_required,
            section: Section { offset, bytes },
        });
    }
    Ok(found)
}

/// Takes the number of the sections and all of them. Returns those that are known, by name: each
/// is given with whether it is required.
///
/// # Errors
/// `UnknownSection` if one that is required is not known.
pub(super) fn take<'a>(
    take: &mut Take<'a>,
    known: &[(&'static str, bool)],
) -> Result<BTreeMap<&'static str, Section<'a>>, DecodeError> {
    let mut found = BTreeMap::new();
    for listed in list(take)? {
        match known.iter().find(|(known, _)| padded(known) == listed.name) {
            Some((known, expected)) if listed.is_required == *expected => {
                found.insert(*known, listed.section);
            }
            Some((known, expected)) => {
                let problem = match expected {
                    true => format!("expected that {known} is required"),
                    false => format!("expected that {known} is not required"),
                };
                return Err(DecodeError::malformed(
                    "section is required",
                    listed.start + NAME_LEN as u64,
                    problem,
                ));
            }
            None if listed.is_required => {
                let name = listed.name();
                return Err(DecodeError::UnknownSection { name });
            }
            None => {}
        }
    }
    Ok(found)
}

impl Listed<'_> {
    /// The name, without the zeros behind it.
    pub(super) fn name(&self) -> String {
        let len = self.name.iter().rposition(|byte| *byte != 0);
        let name = &self.name[..len.map_or(0, |last| last + 1)];
        name.escape_ascii().to_string()
    }

    /// What there is to say of it.
    pub(super) fn view(&self) -> IndexSection {
        IndexSection {
            name: self.name(),
            is_required: self.is_required,
            offset: self.section.offset,
            len: self.section.bytes.len() as u64,
        }
    }
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
