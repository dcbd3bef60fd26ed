//! How often a read waits for the device.

use palimpsest::Options;

use crate::script::run;

/// The answers of one read over as many deltas as are asked for, where nothing is cached but the
/// indexes of layers, and then of another one.
fn rounds(delta_count: usize) -> (usize, usize) {
    let mut script = "create 10; put a@20=0 b@20=0; flush".to_owned();
    for index in 1..delta_count {
        let lsn = 20 + 10 * index;
        script += &format!("; put a@{lsn}+1 b@{lsn}+1; flush");
    }
    let last = 10 + 10 * delta_count;
    script += &format!("; kill; open; rounds get a@{last}; rounds get b@{last}");
    let answers = run(Options::default(), &script);
    let count_of = |answer: &str, key: &str| {
        let (count, rest) = answer.split_once(" rounds: ").expect("rounds are counted");
        assert!(rest.starts_with(&format!("{key}@{last} = 0")), "{rest}");
        count.parse().expect("a number")
    };
    (count_of(&answers[0], "a"), count_of(&answers[1], "b"))
}

/// Indexes are looked into one after another: the next layer of a read is known only then. The
/// values of all layers are read together.
#[test]
fn a_read_waits_once_for_the_values_of_all_layers() {
    let [one, few, many] = [1, 4, 16].map(rounds);
    assert_eq!([one.1, few.1, many.1], [one.1; 3]);
    assert!(
        one.0 < few.0 && few.0 < many.0,
        "the first read opens files"
    );
}
