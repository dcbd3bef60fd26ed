//! Law 1, enumerated: whatever jobs run between the puts, in any order, the answers are those of
//! the puts alone.

use crate::script::{keep, run};

/// The steps that each place of a script may have.
const STEPS: [&str; 5] = ["put", "flush", "compact forced", "images forced", "gc"];

/// The number of steps in a script.
const LEN: u32 = 3;

/// The number of LSNs for which history is kept, such that cutoffs fall between the puts.
const GC_DISTANCE: u64 = 2;

/// Puts to two keys: to `b` sometimes an image, to `a` only appends.
fn put(lsn: u64) -> String {
    let kind = if lsn.is_multiple_of(3) { '=' } else { '+' };
    format!("put a@{lsn}+{lsn}, b@{lsn}{kind}{lsn},;")
}

/// The points of both keys, and of one without history, up to `last`.
fn ask(last: u64) -> String {
    let lsns = 10..=last;
    let point = |lsn| format!("get a@{lsn} b@{lsn} c@{lsn}; scan MIN..MAX@{lsn};");
    lsns.map(point).collect()
}

/// A script with its jobs, and one without; and the last LSN.
fn scripts(number: usize) -> (String, String, u64) {
    let mut last = 11;
    let mut puts = String::from("create 10; put a@11=11, b@11=11,;");
    let mut all = puts.clone() + "flush;";
    let mut rest = number;
    for _ in 0..LEN {
        let step = STEPS[rest % STEPS.len()];
        rest /= STEPS.len();
        if step == "put" {
            last += 1;
            puts += &put(last);
            all += &put(last);
        } else {
            all += &format!("{step};");
        }
    }
    (all, puts, last)
}

/// The answers to `ask`, of all answers.
fn answers(said: &[String], last: u64) -> &[String] {
    let count = usize::try_from(2 * (last + 1 - 10)).unwrap();
    &said[said.len() - count..]
}

fn check(number: usize) {
    let (all, puts, last) = scripts(number);
    let expected = run(keep(GC_DISTANCE), &(puts.clone() + &ask(last)));
    let found = run(keep(GC_DISTANCE), &(all.clone() + "cutoff;" + &ask(last)));
    let found_answers = answers(&found, last);
    let cutoff = &found[found.len() - found_answers.len() - 1];
    let cutoff: u64 = cutoff.trim_start_matches("cutoff ").parse().unwrap();
    for (index, (expected, found)) in expected.iter().zip(found_answers).enumerate() {
        let lsn = 10 + index as u64 / 2;
        match found.contains("below the cutoff") {
            true => assert!(lsn < cutoff, "{found} at cutoff {cutoff} of {all}"),
            false => assert!(
                found == expected && cutoff <= lsn,
                "{found}, not {expected}: {all}"
            ),
        }
    }
    let durable = all + "flush; images forced; compact forced; gc; kill; open; " + &ask(last);
    let found = run(keep(GC_DISTANCE), &durable);
    let last_answers = |said: &[String]| said[said.len() - 2..].to_vec();
    assert_eq!(last_answers(&found), last_answers(&expected), "{durable}");
}

#[test]
fn no_job_changes_an_answer_whatever_the_order() {
    (0..STEPS.len().pow(LEN)).for_each(check);
}
