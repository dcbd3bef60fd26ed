use proptest::prelude::*;

use super::*;

const C: u64 = CHUNK_LEN;
const KIB: u64 = 1 << 10;

/// Eight blobs at the starts of chunks; the last one is empty.
const WHOLE_CHUNKS: [(u64, u64); 8] = [
    (0, 32 * KIB),
    (32 * KIB, 96 * KIB),
    (96 * KIB, 128 * KIB),
    (128 * KIB, 198 * KIB),
    (198 * KIB, 268 * KIB),
    (268 * KIB, 396 * KIB),
    (396 * KIB, 652 * KIB),
    (652 * KIB, 652 * KIB),
];

/// A read as `start..end: offset of each blob`, all in bytes.
fn print(blobs: &[(u64, u64)], reads: &[PlannedRead]) -> Vec<String> {
    let print_read = |read: &PlannedRead| {
        let offsets: Vec<String> = blobs[read.blobs.clone()]
            .iter()
            .map(|(offset, _)| offset.to_string())
            .collect();
        format!("{}..{}: {}", read.start, read.end, offsets.join(" "))
    };
    reads.iter().map(print_read).collect()
}

fn blob_counts(reads: &[PlannedRead]) -> Vec<usize> {
    reads.iter().map(|read| read.blobs.len()).collect()
}

fn stream(blobs: &[(u64, u64)], len_target: u64, count_max: usize) -> Vec<PlannedRead> {
    let mut planner = StreamPlanner::new(len_target, count_max);
    let mut reads: Vec<PlannedRead> = blobs
        .iter()
        .filter_map(|&(offset, end)| planner.push(offset, end))
        .collect();
    reads.extend(planner.finish());
    assert_eq!(planner.finish(), None);
    reads
}

#[test]
fn blobs_whose_chunks_touch_are_read_together() {
    let end = 652 * KIB;
    let offsets_wanted = [
        (C / 8, true),
        (C / 4, false),
        (C / 2, true),
        (C - 2, false),
        (C, true),
        (2 * C - 1, true),
        (2 * C + 1, false),
        (3 * C + 1, true),
        (5 * C + 1, true),
        (6 * C + 1, false),
        (7 * C + 1, true),
        (8 * C, true),
        (9 * C, false),
        (10 * C, true),
    ];
    let ends = offsets_wanted[1..].iter().map(|&(offset, _)| offset);
    let blobs: Vec<(u64, u64)> = offsets_wanted
        .iter()
        .zip(ends.chain([end]))
        .filter(|((_, is_wanted), _)| *is_wanted)
        .map(|(&(offset, _), end)| (offset, end))
        .collect();
    assert_eq!(
        print(&blobs, &plan_reads(&blobs, 8 * C)),
        [
            "0..4096: 64 256 512 1023 1537 2561 3585",
            "4096..4608: 4096",
            "5120..667648: 5120",
        ]
    );
}

#[test]
fn no_read_grows_beyond_the_maximum_and_a_longer_blob_reads_alone() {
    let reads = plan_reads(&WHOLE_CHUNKS, 128 * KIB);
    assert_eq!(blob_counts(&reads), [3, 1, 1, 1, 1, 1]);
    assert_eq!((reads[4].start, reads[4].end), (396 * KIB, 652 * KIB));
    assert_eq!((reads[5].start, reads[5].end), (652 * KIB, 652 * KIB));
}

#[test]
fn blobs_that_are_left_out_separate_two_reads() {
    // The records of the second key at 2C and 3C are below a base.
    let blobs = [(0, C), (C, 2 * C), (4 * C, 5 * C), (5 * C, 6 * C)];
    let reads = print(&blobs, &plan_reads(&blobs, 128 * KIB));
    assert_eq!(reads, ["0..1024: 0 512", "2048..3072: 2048 2560"]);
}

#[test]
fn a_blob_joins_from_the_chunk_behind_and_from_no_further() {
    for (second, expected) in [
        ((20, 30), vec!["0..512: 10 20"]),
        ((511, 513), vec!["0..1024: 10 511"]),
        ((512, 513), vec!["0..1024: 10 512"]),
        ((1023, 1024), vec!["0..1024: 10 1023"]),
        ((1024, 1025), vec!["0..512: 10", "1024..1536: 1024"]),
    ] {
        let blobs = [(10, 20), second];
        assert_eq!(print(&blobs, &plan_reads(&blobs, 8 * C)), expected);
    }
}

#[test]
fn the_maximum_is_held_against_the_widened_length() {
    let blobs = [(500, 600), (600, 1025)];
    assert_eq!(blob_counts(&plan_reads(&blobs, 3 * C)), [2]);
    assert_eq!(blob_counts(&plan_reads(&blobs, 3 * C - 1)), [1, 1]);
    assert_eq!(blob_counts(&plan_reads(&blobs, 1)), [1, 1]);
}

#[test]
fn without_a_blob_there_is_no_read() {
    assert_eq!(plan_reads(&[], 128 * KIB), []);
    assert_eq!(stream(&[], 128 * KIB, 1000), []);
}

#[test]
fn a_stream_closes_a_read_that_is_long_enough_or_has_enough_blobs() {
    for (len_target, count_max, expected) in [
        (128 * KIB, 1000, vec![3, 2, 1, 1, 1]),
        (1024 * KIB, 2, vec![2, 2, 2, 2]),
        (1024 * KIB, 1000, vec![8]),
        (1, 1000, vec![1; 8]),
    ] {
        let reads = stream(&WHOLE_CHUNKS, len_target, count_max);
        assert_eq!(blob_counts(&reads), expected, "{len_target} {count_max}");
    }
}

#[test]
fn a_stream_reads_over_gaps() {
    let blobs = [(0, C), (100 * C, 101 * C)];
    let reads = stream(&blobs, 1024 * KIB, 2);
    assert_eq!(print(&blobs, &reads), ["0..51712: 0 51200"]);
}

#[test]
fn the_blob_that_makes_the_count_closes_the_read() {
    let mut planner = StreamPlanner::new(1024 * KIB, 1);
    assert!(planner.push(0, 128 * KIB).is_some());
    assert!(planner.push(128 * KIB, 256 * KIB).is_some());
    assert_eq!(planner.finish(), None);

    let mut planner = StreamPlanner::new(1024 * KIB, 2);
    assert_eq!(planner.push(0, 128 * KIB), None);
    let read = planner.push(128 * KIB, 256 * KIB).unwrap();
    assert_eq!((read.start, read.end, read.blobs), (0, 256 * KIB, 0..2));
    assert_eq!(planner.finish(), None);
}

#[test]
#[should_panic(expected = "is_sorted_by")]
fn blobs_may_not_overlap() {
    plan_reads(&[(0, 20), (19, 30)], 8 * C);
}

#[test]
#[should_panic(expected = "self.end <= offset")]
fn blobs_of_a_stream_may_not_overlap() {
    let mut planner = StreamPlanner::new(8 * C, 9);
    planner.push(0, 20);
    planner.push(19, 30);
}

/// Gaps and lengths around a chunk's, and some empty blobs.
fn any_blobs() -> impl Strategy<Value = Vec<(u64, u64)>> {
    let any_len = || prop_oneof![Just(0), 1..20_u64, C - 1..=C + 1, 0..4 * C];
    proptest::collection::vec((any_len(), any_len()), 0..40).prop_map(|gaps| {
        let mut end = 0;
        let blob = |(gap, len)| {
            let offset = end + gap;
            end = offset + len;
            (offset, end)
        };
        gaps.into_iter().map(blob).collect()
    })
}

/// Panics unless the reads take every blob once, in order, and hold it.
fn check_cover(blobs: &[(u64, u64)], reads: &[PlannedRead]) {
    let mut blob_count = 0;
    for read in reads {
        assert_eq!(read.blobs.start, blob_count);
        assert!(!read.blobs.is_empty());
        blob_count = read.blobs.end;
        assert_eq!((read.start % C, read.end % C), (0, 0));
        let (first, last) = (blobs[read.blobs.start], blobs[read.blobs.end - 1]);
        assert!(read.start <= first.0 && first.0 < read.start + C);
        assert!(last.1 <= read.end && read.end < last.1 + C);
    }
    assert_eq!(blob_count, blobs.len());
}

proptest! {
    #[test]
    fn every_blob_lies_in_one_read_that_is_not_too_long(
        blobs in any_blobs(),
        len_max in 0..8 * C,
    ) {
        let reads = plan_reads(&blobs, len_max);
        check_cover(&blobs, &reads);
        for read in &reads {
            prop_assert!(read.len() <= len_max || read.blobs.len() == 1);
        }
        for pair in reads.windows(2) {
            let next = blobs[pair[1].blobs.start];
            let joined = PlannedRead::of_blob(0, pair[0].start, next.1);
            prop_assert!(pair[0].end < pair[1].start || len_max < joined.len());
        }
    }

    #[test]
    fn every_blob_of_a_stream_lies_in_one_read_that_is_closed_in_time(
        blobs in any_blobs(),
        len_target in 0..8 * C,
        count_max in 1..9_usize,
    ) {
        let reads = stream(&blobs, len_target, count_max);
        check_cover(&blobs, &reads);
        for read in &reads {
            prop_assert!(read.blobs.len() <= count_max);
            let before_last = blobs[read.blobs.start..read.blobs.end - 1].last();
            let len = before_last.map(|last| PlannedRead::of_blob(0, read.start, last.1).len());
            prop_assert!(len.is_none_or(|len| len < len_target));
        }
    }
}
