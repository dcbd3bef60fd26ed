//! Systematic damage: each golden file, with checksums and without, is cut and has bits flipped at
//! places that a seed draws, and every command that reads files is led over it.

use std::path::Path;

use palimpsest::format::BLOCK_LEN;
use palimpsest_tool::{Detail, Form, LayerReader, dump_json, dump_text, verify};

use crate::assemble::Checksums;
use crate::inputs;

/// The changes of each file.
const CHANGE_COUNT: u64 = 60;

/// What reading a file may take beyond its largest value, in bytes.
const MEMORY_BOUND: u64 = 2 << 20;

struct Golden {
    name: &'static str,
    file: Vec<u8>,
    has_checksums: bool,
    /// The length of its largest value, in bytes.
    value_len_max: u64,
}

fn goldens() -> Vec<Golden> {
    let mut goldens = Vec::new();
    for checksums in [Checksums::With, Checksums::Without] {
        let files = [
            (
                "delta_variants",
                inputs::delta_variants().write(checksums),
                42,
            ),
            ("delta_one", inputs::delta_one().write(checksums), 15),
            (
                "image_small",
                inputs::image_small(0x2000).write(checksums),
                4,
            ),
            (
                "image_sizes",
                inputs::image_sizes_zstd().write(checksums),
                300_000,
            ),
            ("image_one_key", inputs::image_one_key().write(checksums), 1),
        ];
        goldens.extend(files.map(|(name, file, value_len_max)| Golden {
            name,
            file,
            has_checksums: checksums == Checksums::With,
            value_len_max,
        }));
    }
    goldens
}

/// Numbers that a seed draws: splitmix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    /// A place of a file: half of them where block 0, the index or the section stands.
    fn place(&mut self, len: usize) -> usize {
        match self.below(4) {
            0 => self.below(100),
            1 => len - 1 - self.below(len.min(2 * BLOCK_LEN)),
            _ => self.below(len),
        }
    }
}

/// The file after the change of this number: some are cut, the others have up to four bits flipped.
fn hurt(file: &[u8], number: u64) -> Vec<u8> {
    let mut dice = Dice(number);
    let mut hurt = file.to_vec();
    if number.is_multiple_of(3) {
        hurt.truncate(dice.place(file.len()));
        return hurt;
    }
    for _ in 0..=dice.below(4) {
        let (place, bit) = (dice.place(file.len()), dice.below(8));
        hurt[place] ^= 1 << bit;
    }
    hurt
}

/// Leads both dumps over the bytes; returns whether one of them found a fault.
fn is_dump_stopped(mut file: &[u8]) -> bool {
    let mut is_stopped = false;
    for is_json in [false, true] {
        let Ok(mut reader) = LayerReader::open(&mut file) else {
            return true;
        };
        let mut sink = std::io::sink();
        let dumped = match is_json {
            false => dump_text(&mut reader, &mut sink, Detail::Values),
            true => dump_json(Path::new("a"), &mut reader, &mut sink, Detail::Places),
        };
        is_stopped |= dumped.is_err();
    }
    is_stopped
}

fn is_verify_red(path: &Path, file: &[u8]) -> bool {
    std::fs::write(path, file).unwrap();
    let code = verify(path, &mut std::io::sink(), Form::Json);
    code.is_err() || code.is_ok_and(|code| code == 2)
}

#[test]
fn no_damage_makes_a_reader_panic_and_with_checksums_all_of_it_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("layer");
    for golden in goldens() {
        assert!(!is_dump_stopped(&golden.file), "{}", golden.name);
        assert!(!is_verify_red(&path, &golden.file), "{}", golden.name);
        for number in 0..CHANGE_COUNT {
            let file = hurt(&golden.file, number);
            let found = (is_dump_stopped(&file), is_verify_red(&path, &file));
            let is_hurt = file != golden.file && golden.has_checksums;
            let what = format!("{}, change {number}", golden.name);
            assert!(!is_hurt || found == (true, true), "{what}: {found:?}");
        }
    }
}

#[test]
fn no_damage_makes_a_reader_take_more_memory_than_a_value() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("layer");
    for golden in goldens() {
        for number in 0..CHANGE_COUNT {
            let file = hurt(&golden.file, number);
            std::fs::write(&path, &file).unwrap();
            let used = allocation_counter::measure(|| {
                is_dump_stopped(&file);
                let _: Result<_, _> = verify(&path, &mut std::io::sink(), Form::Text);
            });
            let what = format!("{}, change {number}: {used:?}", golden.name);
            // A frame has no length: the reader tries lengths, each eight times the one before.
            assert!(
                used.bytes_max <= 8 * golden.value_len_max + MEMORY_BOUND,
                "{what}"
            );
        }
    }
}
