//! Labels of keys on a map: short enough to stand beside each other.

use palimpsest::Key;

/// The digits of a key that are shown at least, so that a label is not one digit.
const DIGITS_MIN: usize = 4;

/// The longest label, in characters.
const LABEL_LEN_MAX: usize = 12;

/// The labels of keys: for PostgreSQL's pages the relation and the block, and otherwise the digits
/// from the first one on in which the keys differ.
pub(super) fn labels(keys: &[Key]) -> Vec<String> {
    let texts: Vec<String> = keys.iter().map(Key::to_string).collect();
    let inner = || texts.iter().zip(keys).filter(|(_, key)| is_inner(key));
    let mut prefix = inner().next().map_or("", |(text, _)| text.as_str());
    for (text, _) in inner() {
        let len = prefix
            .bytes()
            .zip(text.bytes())
            .take_while(|(a, b)| a == b)
            .count();
        prefix = &prefix[..len];
    }
    let label = |(text, key): (&String, &Key)| match page(key) {
        Some(page) => page,
        None if !is_inner(key) => String::new(),
        None => text[prefix.len().min(text.len() - DIGITS_MIN)..]
            .chars()
            .take(LABEL_LEN_MAX)
            .collect(),
    };
    texts.iter().zip(keys).map(label).collect()
}

/// Whether a key stands inside the map, and not at one of its edges.
fn is_inner(key: &Key) -> bool {
    *key != Key::MIN && *key != Key::MAX
}

/// The relation and block of a page of PostgreSQL's, whose database has a number.
fn page(key: &Key) -> Option<String> {
    let bytes = key.to_bytes();
    let number =
        |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let (kind, tablespace, database) = (bytes[0], number(1), number(5));
    let (relation, block) = (number(9), number(14));
    let is_page = kind == 0 && 0 < tablespace && 0 < database && 0 < relation;
    is_page.then(|| format!("{relation}:{block}"))
}

#[cfg(test)]
mod tests {
    use super::labels;
    use palimpsest::Key;

    #[test]
    fn a_page_is_named_by_relation_and_block() {
        let page = "000000067F00004000000040010000000007"
            .parse::<Key>()
            .unwrap();
        assert_eq!(labels(&[Key::MIN, page, Key::MAX]), ["", "16385:7", ""]);
    }

    #[test]
    fn other_keys_are_named_by_the_digits_in_which_they_differ() {
        let keys = [7, 300].map(|number| Key::MIN.add(number));
        assert_eq!(labels(&keys), ["0007", "012C"]);
    }
}
