use proptest::prelude::*;

use super::super::layer_name::tests::any_layer_name;
use super::super::{Key, KeyRange, Lsn, LsnRange};
use super::*;

fn image() -> LayerName {
    LayerName::Image {
        keys: KeyRange::ALL,
        lsn: Lsn(0x10),
    }
}

fn delta() -> LayerName {
    LayerName::Delta {
        keys: KeyRange::single(Key::MIN),
        lsns: LsnRange::new(Lsn(0x10), Lsn(0x20)),
    }
}

fn any_file_name() -> impl Strategy<Value = FileName> {
    let parts = (0..8, any_layer_name(), any::<u32>(), any::<u32>());
    parts.prop_map(|(kind, name, generation, number)| {
        let generation = Generation(generation);
        match kind {
            0 => FileName::Layer { name, generation },
            1 => FileName::LayerTemp {
                name,
                generation,
                attempt: number,
            },
            2 => FileName::Ephemeral {
                generation,
                ordinal: number,
            },
            3 => FileName::IndexTemp {
                generation,
                attempt: number,
            },
            4 => FileName::Index,
            5 => FileName::SplitFrom { state: number },
            6 => FileName::SplitInto {
                count: number as u8,
            },
            _ => FileName::Lock,
        }
    })
}

/// Asserts that `text` is what `name` prints, and that it reads as `name`.
fn check(name: FileName, text: &str) {
    assert_eq!(name.to_string(), text);
    assert_eq!(FileName::parse(text), Some(name), "{text}");
}

#[test]
fn layer_carries_its_generation() {
    let generation = Generation(0x2A);
    for name in [image(), delta()] {
        check(
            FileName::Layer { name, generation },
            &format!("{name}-v1-0000002a"),
        );
    }
}

#[test]
fn temp_layer_carries_its_attempt() {
    let generation = Generation(1);
    for name in [image(), delta()] {
        let attempt = 0x1F;
        check(
            FileName::LayerTemp {
                name,
                generation,
                attempt,
            },
            &format!("{name}-v1-00000001.1f.___temp"),
        );
    }
}

#[test]
fn files_without_a_layer_have_plain_names() {
    let generation = Generation(3);
    let (ordinal, attempt) = (0xB, 0);
    check(FileName::Index, "index");
    check(FileName::Lock, "lock");
    check(
        FileName::Ephemeral {
            generation,
            ordinal,
        },
        "ephemeral-00000003-b",
    );
    check(
        FileName::IndexTemp {
            generation,
            attempt,
        },
        "index-00000003.0.___temp",
    );
}

#[test]
fn other_spellings_are_foreign() {
    let name = image();
    for text in [
        format!("{name}"),
        format!("{name}-00000001"),
        format!("{name}-v1-0000002A"),
        format!("{name}-v1-00000001-v1-00000001"),
        format!("{name}-v1-00000001 "),
        format!("{name}-v1-00000001.1F.___temp"),
        format!("{name}-v1-00000001.01.___temp"),
        format!("{name}-v1-00000001..___temp"),
        format!("{name}-v1-00000001.+1.___temp"),
        format!("{name}-v1-00000001.100000000.___temp"),
        format!("{name}.1.___temp"),
        format!("{name}-00000001.1.___temp"),
    ] {
        assert_eq!(FileName::parse(&text), None, "{text}");
    }
    for text in [
        "",
        "Index",
        "index ",
        "index.1.___temp",
        "index-00000003",
        "index-3.0.___temp",
        "index-00000003.00.___temp",
        "ephemeral-3",
        "ephemeral-00000003",
        "ephemeral-00000003-",
        "ephemeral-00000003-0B",
        "ephemeral-00000003-0b",
        "ephemeral-00000003-100000000",
        "LOCK",
        "lock.___temp",
        ".___temp",
        "..",
        "notes.txt",
        "é",
    ] {
        assert_eq!(FileName::parse(text), None, "{text}");
    }
}

/// LATENT-1, where a directory is listed: a name with the suffix of a temp file is never a layer.
#[test]
fn unfinished_file_is_never_a_layer() {
    for name in [image(), delta()] {
        for suffix in [".1.___temp", ".___temp", ".1.temp_download", ".tmp", ".old"] {
            let parsed = FileName::parse(&format!("{name}-v1-00000001{suffix}"));
            assert!(!matches!(parsed, Some(FileName::Layer { .. })), "{suffix}");
        }
    }
}

proptest! {
    #[test]
    fn reading_undoes_printing(name in any_file_name()) {
        prop_assert_eq!(FileName::parse(&name.to_string()), Some(name));
    }

    #[test]
    fn printing_undoes_reading(
        name in any_file_name(),
        at: proptest::sample::Index,
        edit in "[0-9a-fA-FvX._é-]{0,2}",
    ) {
        let mut text = name.to_string();
        let at = at.index(text.len());
        text.replace_range(at..at + 1, &edit);
        if let Some(parsed) = FileName::parse(&text) {
            prop_assert_eq!(parsed.to_string(), text);
        }
    }

    #[test]
    fn names_are_distinct(a in any_file_name(), b in any_file_name()) {
        prop_assert_eq!(a.to_string() == b.to_string(), a == b);
    }
}
