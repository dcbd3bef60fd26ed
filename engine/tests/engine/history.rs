//! Reads return what was written, at every LSN, wherever the records are.

use std::collections::BTreeMap;

use palimpsest::Options;
use proptest::prelude::*;

use crate::script::{check, run};

#[test]
fn values_are_read_at_each_lsn_before_and_after_a_flush_and_a_restart() {
    check(
        "create 10
         put a@20=base b@20=other
         put a@30+,more
         get a@19 a@20 a@29 a@30 b@30
         flush; layers; lsns
         get a@19 a@20 a@29 a@30 b@30
         shutdown; open; layers; lsns
         get a@19 a@20 a@29 a@30 b@30",
        "a@19 none, a@20 = base, a@29 = base, a@30 = base,more, b@30 = other
         delta 11..31; last 30, durable 30
         a@19 none, a@20 = base, a@29 = base, a@30 = base,more, b@30 = other
         delta 11..31; last 30, durable 30
         a@19 none, a@20 = base, a@29 = base, a@30 = base,more, b@30 = other",
    );
}

#[test]
fn a_read_above_the_last_record_is_refused_at_once() {
    check(
        "create 10; get a@10 a@11; put a@20=x; get a@20 a@21 a@MAX; freeze; get a@21",
        "a@10 none, a@11: not yet; a@20 = x, a@21: not yet, a@MAX: not yet; a@21: not yet",
    );
}

#[test]
fn a_key_without_history_has_no_value() {
    check(
        "create 10; put b@20=x; get a@20 c@20; flush; get a@20 b@19 c@20 MAX@20",
        "a@20 none, c@20 none; a@20 none, b@19 none, c@20 none, MAX@20 none",
    );
}

#[test]
fn records_without_a_base_are_an_error_until_one_stands_below() {
    check(
        "create 10; put a@20+x; put a@30!y; put a@40+z; get a@19 a@20 a@29 a@30 a@40
         flush; get a@20 a@40",
        "a@19 none, a@20: no base, a@29: no base, a@30 = y, a@40 = yz
         a@20: no base, a@40 = yz",
    );
}

#[test]
fn a_record_that_does_not_fit_fails_the_reads_above_it_only() {
    check(
        "create 10; put a@20=x; put a@30?x; put a@40?x; put a@50=new
         get a@20 a@30 a@40 a@50; flush; get a@30 a@40 a@50",
        "a@20 = x, a@30 = x!, a@40: redo, a@50 = new; a@30 = x!, a@40: redo, a@50 = new",
    );
}

#[test]
fn a_history_over_every_kind_of_layer_is_one() {
    check(
        "create 10; put a@20=1; flush; put a@30+2; flush; put a@40+3; freeze; put a@50+4; freeze
         put a@60+5; layers; get a@20 a@30 a@40 a@50 a@60
         flush; layers; get a@20 a@30 a@40 a@50 a@60",
        "delta 11..21, delta 21..31, frozen 31..41, frozen 41..51, open 51..
         a@20 = 1, a@30 = 12, a@40 = 123, a@50 = 1234, a@60 = 12345
         delta 11..21, delta 21..31, delta 31..41, delta 41..51, delta 51..61
         a@20 = 1, a@30 = 12, a@40 = 123, a@50 = 1234, a@60 = 12345",
    );
}

#[test]
fn an_image_hides_what_is_below_it_in_any_layer() {
    check(
        "create 10; put a@20+lost; flush; put a@30=base; freeze; put a@40+!; get a@40 a@29
         flush; get a@40 a@29",
        "a@40 = base!, a@29: no base; a@40 = base!, a@29: no base",
    );
}

#[test]
fn a_batch_may_share_the_last_lsn_until_that_is_closed() {
    check(
        "create 10; put a@20=x; put b@20=y; put a@20=z; put c@19=z; get a@20 b@20
         freeze; put c@20=z; put c@21=z
         flush; put d@21=z; put d@22=z; get c@21 d@22",
        "put: refused; put: refused; a@20 = x, b@20 = y
         put: refused
         put: refused; c@21 = z, d@22 = z",
    );
}

#[test]
fn the_first_record_stands_above_the_start() {
    check(
        "create 10; put a@10=x; put a@9=x; lsns; put a@11=x; lsns",
        "put: refused; put: refused; last 10, durable 10; last 11, durable 10",
    );
}

#[test]
fn a_batch_that_is_refused_changes_nothing() {
    check(
        "create 10; put a@20=x b@20=y
         put c@20=1 b@20=2; put c@20=1 c@20=2; put c@30=1 c@25=2; put c@19=1 c@30=2
         get a@20 b@20 c@20; lsns; flush; get a@20 b@20 c@20; lsns",
        "put: refused; put: refused; put: refused; put: refused
         a@20 = x, b@20 = y, c@20 none; last 20, durable 10
         a@20 = x, b@20 = y, c@20 none; last 20, durable 20",
    );
}

#[test]
fn a_batch_without_records_changes_nothing() {
    check(
        "create 10; put; lsns; layers; flush; lsns; layers",
        "last 10, durable 10; no layer; last 10, durable 10; no layer",
    );
}

#[test]
fn the_ends_of_keys_and_lsns_hold_no_record() {
    check(
        "create MAX; create 10; put a@MAX=x; put MAX@20=x
         put a@MAX-1=x; get a@MAX-1 a@MAX; put b@MAX-1=y; flush; put c@MAX-1=z; get b@MAX-1
         drop; open; get a@MAX-1 b@MAX-1",
        "create: refused; put: refused; put: refused
         a@MAX-1 = x, a@MAX: not yet; put: refused; b@MAX-1 = y
         a@MAX-1 = x, b@MAX-1 = y",
    );
}

#[test]
fn values_of_many_blocks_come_back() {
    check(
        "create 10; put a@20=x*200000 b@20= c@20=y; put a@30+z*100000
         get a@30 b@30 c@30; flush; drop; open; get a@20 a@30 b@30 c@30",
        "a@30 = x*200000z*100000, b@30 = , c@30 = y
         a@20 = x*200000, a@30 = x*200000z*100000, b@30 = , c@30 = y",
    );
}

#[test]
fn a_flush_with_nothing_to_do_writes_nothing() {
    check(
        "create 10; put a@20=x; flush; watch; flush; freeze; flush; changes; generation",
        "no change; generation 1",
    );
}

/// An act of the user in the property below.
#[derive(Clone, Debug)]
enum Act {
    Put {
        key: char,
        step: u64,
        kind: char,
    },
    Freeze,
    Flush,
    /// Loses everything that was not flushed.
    Restart,
}

fn any_act() -> impl Strategy<Value = Act> {
    let any_key = proptest::char::range('a', 'c');
    let any_kind = prop_oneof![1 => Just('='), 1 => Just('!'), 4 => Just('+')];
    let any_put = (any_key, 1..4_u64, any_kind);
    prop_oneof![
        6 => any_put.prop_map(|(key, step, kind)| Act::Put { key, step, kind }),
        1 => Just(Act::Freeze),
        1 => Just(Act::Flush),
        1 => Just(Act::Restart),
    ]
}

/// The model of a timeline, without layers.
struct Model {
    records: BTreeMap<(char, u64), (char, String)>,
    last: u64,
    durable: u64,
}

impl Model {
    /// Applies an act to the model, and adds it to the script for the engine.
    fn act(&mut self, act: &Act, script: &mut String) {
        match act {
            Act::Put { key, step, kind } => {
                self.last += step;
                let text = format!("{},", self.last);
                *script += &format!("put {key}@{}{kind}{text};", self.last);
                self.records.insert((*key, self.last), (*kind, text));
            }
            Act::Freeze => *script += "freeze;",
            Act::Flush => {
                self.durable = self.last;
                *script += "flush;";
            }
            Act::Restart => {
                self.last = self.durable;
                self.records.retain(|&(_, lsn), _| lsn <= self.durable);
                *script += "drop; open;";
            }
        }
    }

    fn answer(&self, (key, lsn): (char, u64)) -> String {
        if self.last < lsn {
            return format!("{key}@{lsn}: not yet");
        }
        let mut page = String::new();
        let mut is_empty = true;
        for (_, (kind, text)) in self.records.range((key, 0)..=(key, lsn)).rev() {
            page.insert_str(0, text);
            is_empty = false;
            if *kind != '+' {
                return format!("{key}@{lsn} = {page}");
            }
        }
        match is_empty {
            true => format!("{key}@{lsn} none"),
            false => format!("{key}@{lsn}: no base"),
        }
    }

    fn ask_all(&self, script: &mut String) -> String {
        let lsns = 10..self.last + 3;
        let points: Vec<_> = lsns
            .flat_map(|lsn| ['a', 'b', 'c', 'd'].map(|key| (key, lsn)))
            .collect();
        let asked = points.iter().map(|(key, lsn)| format!("{key}@{lsn}"));
        *script += &format!("get {};", asked.collect::<Vec<_>>().join(" "));
        let answers = points.iter().map(|point| self.answer(*point));
        answers.collect::<Vec<_>>().join(", ")
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_point_of_every_history_is_what_a_map_says(
        acts in proptest::collection::vec(any_act(), 1..40),
        freeze_len_max in prop_oneof![Just(60_u64), Just(1 << 20)],
    ) {
        let mut model = Model { records: BTreeMap::new(), last: 10, durable: 10 };
        let mut script = String::from("create 10;");
        let mut expected = Vec::new();
        for (index, act) in acts.iter().enumerate() {
            model.act(act, &mut script);
            if index % 8 == 7 || index + 1 == acts.len() {
                expected.push(model.ask_all(&mut script));
            }
        }
        let options = Options { freeze_len_max, ..Options::default() };
        prop_assert_eq!(run(options, &script), expected, "{}", script);
    }
}
