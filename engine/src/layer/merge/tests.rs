use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;

use super::super::raw_record::RawRecord;
use super::*;
use crate::base::IoFailure;
use crate::io::block_on;

/// A source in memory. Each answer, also an error, is given once.
struct Stream {
    first_key: Key,
    answers: VecDeque<Result<RawRecord>>,
    answer_count: usize,
    /// How often each call pends.
    pause_count: usize,
}

impl Source for Stream {
    type Item = RawRecord;

    fn first_key(&self) -> Key {
        self.first_key
    }

    async fn next(&mut self) -> Result<Option<RawRecord>> {
        let mut pauses_left = self.pause_count;
        poll_fn(|_| match pauses_left {
            0 => Poll::Ready(()),
            _ => {
                pauses_left -= 1;
                Poll::Pending
            }
        })
        .await;
        self.answer_count += 1;
        self.answers.pop_front().transpose()
    }
}

impl Stream {
    fn new(records: impl IntoIterator<Item = RawRecord>) -> Stream {
        let answers: VecDeque<_> = records.into_iter().map(Ok).collect();
        let first = answers.front().and_then(|answer| answer.as_ref().ok());
        Stream {
            first_key: first.map_or(Key::MIN, |record| record.key),
            answers,
            answer_count: 0,
            pause_count: 0,
        }
    }
}

/// Reads `key@lsn content`, decimal; an equals sign before the content makes it an image layer's.
fn record(text: &str) -> RawRecord {
    let (key_text, rest) = text.split_once('@').unwrap();
    let (lsn_text, content) = rest.split_once(' ').unwrap();
    let is_image = content.starts_with('=');
    RawRecord {
        key: Key::MIN.add(key_text.parse().unwrap()),
        lsn: Lsn(lsn_text.parse().unwrap()),
        kind: match is_image {
            true => RecordKind::Image,
            false => RecordKind::Delta,
        },
        is_base: !content.starts_with('+'),
        bytes: content.as_bytes().to_vec().into(),
    }
}

fn print(record: &RawRecord) -> String {
    let content = String::from_utf8_lossy(&record.bytes);
    format!("{}@{} {content}", record.key.field6, record.lsn.0)
}

/// A stream of records, separated by semicolons.
fn stream(text: &str) -> Stream {
    let texts = text.split(';').map(str::trim);
    Stream::new(texts.filter(|text| !text.is_empty()).map(record))
}

async fn drain(merge: &mut Merge<Stream>) -> Result<Vec<RawRecord>> {
    let mut records = Vec::new();
    while let Some(record) = merge.next().await? {
        records.push(record);
    }
    assert_eq!(merge.next().await?, None);
    Ok(records)
}

/// Merges `streams` in their order and in reverse.
fn check(streams: &[&str], expected: &str) {
    let forward = streams.iter().map(|text| stream(text)).collect();
    let backward = streams.iter().rev().map(|text| stream(text)).collect();
    for sources in [forward, backward] {
        let records = block_on(drain(&mut Merge::new(sources))).unwrap();
        let texts: Vec<String> = records.iter().map(print).collect();
        assert_eq!(texts.join("; "), expected);
    }
}

#[test]
fn nothing_merges_to_nothing() {
    check(&[], "");
    check(&["", ""], "");
}

#[test]
fn streams_that_lie_between_each_other_come_out_by_key() {
    check(
        &["0@16 a; 5@16 b", "3@16 c; 4@16 d"],
        "0@16 a; 3@16 c; 4@16 d; 5@16 b",
    );
}

#[test]
fn duplicates_all_come_out_whichever_source_was_first() {
    check(
        &[
            "0@16 init; 0@24 +a; 5@16 init; 5@24 +b",
            "0@16 init; 0@24 +a; 5@16 init; 5@24 +b; 10@32 img",
            "0@16 =; 5@24 =b; 15@32 =",
            "0@16 =; 5@24 =b; 15@32 =; 20@32 =",
        ],
        "0@16 =; 0@16 =; 0@16 init; 0@16 init; 0@24 +a; 0@24 +a; \
         5@16 init; 5@16 init; 5@24 =b; 5@24 =b; 5@24 +b; 5@24 +b; \
         10@32 img; 15@32 =; 15@32 =; 20@32 =",
    );
}

#[test]
fn records_that_differ_at_one_place_come_out_by_content() {
    check(
        &["1@16 +b", "1@16 +a", "1@16 c", "1@16 =z"],
        "1@16 =z; 1@16 +a; 1@16 +b; 1@16 c",
    );
}

#[test]
fn three_long_deltas_come_out_sorted() {
    let streams: Vec<Vec<String>> = (0..3)
        .map(|third| {
            let place = |i: u32| (i / 10 + 50 * third, 16 * (i % 10 + 1), i);
            let text = |(key, lsn, i)| format!("{key}@{lsn} +{i}");
            (0..1000).map(place).map(text).collect()
        })
        .collect();
    let mut expected: Vec<RawRecord> = streams.iter().flatten().map(|text| record(text)).collect();
    expected.sort();
    let sources = streams.iter().map(|texts| stream(&texts.join(";")));
    let merged = block_on(drain(&mut Merge::new(sources.collect()))).unwrap();
    assert_eq!(merged, expected);
}

#[test]
fn a_source_is_not_asked_before_the_merge_gets_there() {
    let sources = vec![stream("0@1 a; 5@1 b; 7@1 c"), stream("6@1 d")];
    let mut merge = Merge::new(sources);
    let mut steps = Vec::new();
    while let Some(record) = block_on(merge.next()).unwrap() {
        let counts = merge.sources.iter().map(|source| source.answer_count);
        steps.push((print(&record), counts.collect::<Vec<_>>()));
    }
    let step = |text: &str, counts: [usize; 2]| (text.to_owned(), counts.to_vec());
    assert_eq!(
        steps,
        [
            step("0@1 a", [1, 0]),
            step("5@1 b", [2, 0]),
            step("6@1 d", [3, 1]),
            step("7@1 c", [3, 2]),
        ]
    );
}

#[test]
fn a_source_may_start_above_its_first_key() {
    let mut early = stream("9@1 a");
    early.first_key = Key::MIN;
    let mut merge = Merge::new(vec![early, stream("5@1 b"), stream("9@0 c")]);
    let merged = block_on(drain(&mut merge)).unwrap();
    let texts: Vec<String> = merged.iter().map(print).collect();
    assert_eq!(texts, ["5@1 b", "9@0 c", "9@1 a"]);
}

#[test]
fn a_cancelled_call_loses_no_record() {
    let texts = ["0@1 a; 2@1 b", "1@1 c; 2@1 d; 3@1 e"];
    let sources = texts.iter().map(|text| Stream {
        pause_count: 1,
        ..stream(text)
    });
    let mut merge = Merge::new(sources.collect());
    let mut context = Context::from_waker(Waker::noop());
    let mut merged = Vec::new();
    // The first call is cancelled after one poll, the second after two, ...
    for poll_count in 1.. {
        let mut call = pin!(merge.next());
        let answer = (0..poll_count % 4).find_map(|_| match call.as_mut().poll(&mut context) {
            Poll::Ready(answer) => Some(answer.unwrap()),
            Poll::Pending => None,
        });
        match answer {
            Some(Some(record)) => merged.push(print(&record)),
            Some(None) => break,
            None => {}
        }
    }
    assert_eq!(merged, ["0@1 a", "1@1 c", "2@1 b", "2@1 d", "3@1 e"]);
}

#[test]
fn a_call_may_be_made_by_any_thread() {
    fn check(_: impl Send) {}
    check(Merge::new(vec![stream("0@1 a")]).next());
}

#[test]
#[should_panic(expected = "self.last < Some(record.place())")]
fn a_source_never_goes_backwards() {
    let sources = vec![stream("3@1 a"), stream("1@9 b; 1@8 c")];
    let _ = block_on(drain(&mut Merge::new(sources)));
}

#[test]
#[should_panic(expected = "self.last < Some(record.place())")]
fn a_source_never_stands_still() {
    let _ = block_on(drain(&mut Merge::new(vec![stream("1@9 b; 1@9 c")])));
}

#[test]
#[should_panic(expected = "first_key() <= record.place().0")]
fn a_source_never_starts_below_its_first_key() {
    let mut late = stream("1@9 b");
    late.first_key = Key::MIN.add(2);
    let _ = block_on(drain(&mut Merge::new(vec![late])));
}

fn broken() -> Error {
    let source = std::io::Error::other("the device refuses");
    Error::Io(IoFailure::new("read", Path::new("layer"), source))
}

type Model = BTreeMap<(Key, Lsn, RecordKind), RawRecord>;

/// Sources that meet at a few keys and LSNs.
fn any_sources() -> impl Strategy<Value = Vec<Model>> {
    let any_record = (0..6_u32, 0..4_u64, any::<bool>(), any::<bool>(), 0..2_u8).prop_map(
        |(key, lsn, is_image, is_base, byte)| RawRecord {
            key: Key::MIN.add(key),
            lsn: Lsn(lsn),
            kind: match is_image {
                true => RecordKind::Image,
                false => RecordKind::Delta,
            },
            is_base,
            bytes: vec![byte].into(),
        },
    );
    let any_source = proptest::collection::vec(any_record, 0..20).prop_map(|records| {
        let placed = records.into_iter().map(|record| (record.place(), record));
        placed.collect::<Model>()
    });
    proptest::collection::vec(any_source, 0..6)
}

proptest! {
    #[test]
    fn a_merge_is_the_sorted_concatenation(models in any_sources()) {
        let streams = models.iter().map(|model| Stream::new(model.values().cloned()));
        let mut expected: Vec<RawRecord> = models.iter().flat_map(Model::values).cloned().collect();
        expected.sort();
        let merged = block_on(drain(&mut Merge::new(streams.collect()))).unwrap();
        prop_assert_eq!(merged, expected);
    }

    #[test]
    fn an_error_stops_the_merge_for_good(
        models in any_sources(),
        (source, at) in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
    ) {
        prop_assume!(!models.is_empty());
        let streams = models.iter().map(|model| Stream::new(model.values().cloned()));
        let mut streams: Vec<Stream> = streams.collect();
        let broken_source = source.index(models.len());
        let first_key = streams[broken_source].first_key;
        let answers = &mut streams[broken_source].answers;
        let at = at.index(answers.len() + 1);
        answers.insert(at, Err(broken()));

        let mut expected: Vec<RawRecord> = models.iter().flat_map(Model::values).cloned().collect();
        expected.sort();
        let mut merge = Merge::new(streams);
        let mut merged = Vec::new();
        let failure = loop {
            match block_on(merge.next()) {
                Ok(Some(record)) => merged.push(record),
                Ok(None) => panic!("a failed read was taken for the end"),
                Err(failure) => break failure.to_string(),
            }
        };
        prop_assert!(expected.starts_with(&merged));
        // It stops after the last record that was read, or before the first key if none was.
        match models[broken_source].values().take(at).next_back() {
            Some(last_read) => prop_assert_eq!(merged.last(), Some(last_read)),
            None => {
                let below = expected.partition_point(|record| record.key < first_key);
                prop_assert_eq!(merged.len(), below);
            }
        }
        for _ in 0..3 {
            let again = block_on(merge.next()).unwrap_err();
            prop_assert_eq!(again.to_string(), failure.clone());
        }
    }
}
