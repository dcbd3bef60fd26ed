//! The keys of which most do not exist, and those that a branch starts without.

use super::{Key, KeyRange, KeySpace};

/// Which keys are sparse, and which a branch does not inherit.
///
/// A *sparse* key always has a value: an empty one unless another was written, and reads take an
/// empty value for none. So an empty image deletes the key, a record needs no base below it, and an
/// image layer leaves out what is empty. A key that is *not inherited* has no history on a branch
/// but what was written to the branch itself.
///
/// # Shape
/// A key may be both, one of them, or none. `Default` has no such key. It belongs to what a
/// timeline is: the index has it, and another one is refused at an open.
///
/// # Examples
/// ```
/// use palimpsest::{Key, KeyRange, KeySpace, SparseKeys};
///
/// let files = KeyRange::new(Key { field1: 0x60, ..Key::MIN }, Key { field1: 0x61, ..Key::MIN });
/// let keys = SparseKeys::new(KeySpace::from_ranges([files]), KeySpace::new());
/// assert!(keys.is_sparse(files.start));
/// assert!(keys.is_inherited(files.start));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SparseKeys {
    sparse: KeySpace,
    not_inherited: KeySpace,
}

impl SparseKeys {
    /// The keys of `sparse` are sparse, those of `not_inherited` are not inherited.
    pub fn new(sparse: KeySpace, not_inherited: KeySpace) -> SparseKeys {
        let joined = |keys: KeySpace| KeySpace::from_ranges(keys.ranges().iter().copied());
        SparseKeys {
            sparse: joined(sparse),
            not_inherited: joined(not_inherited),
        }
    }

    /// The sparse keys of Neon's pageserver.
    ///
    /// # Source
    /// The sections 0x60 up to 0x7E hold metadata. The ones of files that a replication slot or a
    /// statistics dump left, 0x62 and 0x63, and the one key of them in the older layout, are not
    /// inherited.
    pub fn pageserver() -> SparseKeys {
        let section = |field1: u8| Key { field1, ..Key::MIN };
        let all_files = Key {
            field1: 3,
            field6: 2,
            ..Key::MIN
        };
        let files = KeyRange::new(section(0x62), section(0x64));
        SparseKeys {
            sparse: KeySpace::from_ranges([KeyRange::new(section(0x60), section(0x7F))]),
            not_inherited: KeySpace::from_ranges([KeyRange::single(all_files), files]),
        }
    }

    /// The keys that are sparse.
    pub fn sparse(&self) -> &KeySpace {
        &self.sparse
    }

    /// The keys that a branch does not inherit.
    pub fn not_inherited(&self) -> &KeySpace {
        &self.not_inherited
    }

    /// Whether the key is sparse.
    pub fn is_sparse(&self, key: Key) -> bool {
        self.sparse.contains(key)
    }

    /// Whether a branch inherits the key.
    pub fn is_inherited(&self, key: Key) -> bool {
        !self.not_inherited.contains(key)
    }

    /// Whether this is an ordinary timeline, where all keys are dense and inherited.
    pub fn is_empty(&self) -> bool {
        self.sparse.ranges().is_empty() && self.not_inherited.ranges().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Facts of the pageserver: what is sparse there, and what is inherited.
    #[test]
    fn the_keys_of_the_pageserver_are_as_it_has_them() {
        let keys = SparseKeys::pageserver();
        let key = |field1: u8, field6: u32| Key {
            field1,
            field6,
            ..Key::MIN
        };
        let found = [0x03, 0x5F, 0x60, 0x61, 0x62, 0x63, 0x64, 0x7E, 0x7F].map(|field1| {
            let key = key(field1, 2);
            (keys.is_sparse(key), keys.is_inherited(key))
        });
        let (dense, own, sparse, both) =
            ((false, true), (false, false), (true, true), (true, false));
        let expected = [
            own, dense, sparse, sparse, both, both, sparse, sparse, dense,
        ];
        assert_eq!(found, expected);
        assert!(keys.is_inherited(key(3, 1)) && keys.is_inherited(key(3, 3)));
    }
}
