use super::lsns;
use crate::base::{Lsn, LsnRange};
use crate::layer::map::select::{SelectKind, select};

/// The candidates: the delta's LSNs, the image's LSN, the memory layer's LSNs.
type Candidates = (Option<LsnRange>, Option<Lsn>, Option<LsnRange>);

/// Reads `d10-20 i15 m20-30`; a memory layer `m20-` is open.
fn candidates(text: &str) -> Candidates {
    let mut candidates = (None, None, None);
    for word in text.split_whitespace() {
        let (kind, place) = word.split_at(1);
        let range = || {
            let (start, end) = place.split_once('-').unwrap();
            let end = end.parse().unwrap_or(Lsn::MAX.0);
            lsns(start.parse().unwrap(), end)
        };
        match kind {
            "d" => candidates.0 = Some(range()),
            "i" => candidates.1 = Some(Lsn(place.parse().unwrap())),
            _ => candidates.2 = Some(range()),
        }
    }
    candidates
}

/// Walks down from `start` for as long as there are candidates below.
fn check(text: &str, start: u64, walk: &str) {
    let (delta, image, memory) = candidates(text);
    let mut visits = Vec::new();
    let mut end = Lsn(start);
    loop {
        let below = |lsns: &LsnRange| lsns.start < end;
        let image = image.filter(|lsn| *lsn < end);
        let selected = select(delta.filter(below), image, memory.filter(below), end);
        let Some((kind, floor)) = selected else {
            break;
        };
        let kind = match kind {
            SelectKind::Image => "i",
            SelectKind::Delta => "d",
            SelectKind::Memory => "m",
        };
        visits.push(format!("{kind}{}", floor.0));
        end = floor;
    }
    assert_eq!(visits.join(" "), walk, "{text} at {start}");
}

#[test]
fn without_a_layer_nothing_is_selected() {
    check("", 100, "");
}

#[test]
fn one_layer_is_read_down_to_its_start() {
    check("d10-20", 100, "d10");
    check("i10", 100, "i10");
    check("m10-20", 100, "m10");
}

#[test]
fn an_image_takes_over_where_it_stands() {
    check("d10-20 i15", 100, "d16 i15 d10");
    check("d10-20 i25", 30, "i25 d10");
    check("d15-25 i10", 30, "d15 i10");
    check("i15 m10-25", 30, "m16 i15 m10");
}

#[test]
fn a_delta_takes_over_from_memory_at_its_end() {
    check("d15-20 m15-25", 30, "m20 d15");
    check("d10-15 m15-25", 30, "m15 d10");
    check("d10-15 m10-15", 15, "d10");
}

#[test]
fn an_image_a_delta_and_memory_alternate() {
    check("m10-30 d15-25 i20", 50, "m25 d21 i20 d15 m10");
    check("m20-30 d10-40 i25", 50, "d26 i25 d10");
    check("m30-40 d10-30 i20", 50, "m30 d21 i20 d10");
}

#[test]
fn an_open_layer_has_no_end() {
    check("m20-", 30, "m20");
    check("d10-20 i19 m20-", 30, "m20 i19 d10");
    check("d10-20 i25 m20-", 30, "m26 i25 m20 d10");
}

#[test]
fn a_delta_that_reaches_above_the_read_goes_before_memory() {
    check("d10-40 m20-", 30, "d10");
    check("d10-40 m5-", 30, "d10 m5");
}

#[test]
fn lsns_at_either_end_are_as_good_as_others() {
    check("i0 d1-2 m2-", Lsn::MAX.0, "m2 d1 i0");
    let last = Lsn::MAX.0 - 1;
    check(&format!("i{last} m0-"), Lsn::MAX.0, &format!("i{last} m0"));
}

#[test]
#[should_panic(expected = "lsns.start < end")]
fn a_layer_above_the_read_is_refused() {
    select(Some(lsns(10, 20)), None, None, Lsn(10));
}
