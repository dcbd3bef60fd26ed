use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

const TIMELINE_COUNT: u8 = 7;
const LSN_END: u64 = 6;

/// The definition: each timeline with its ancestor, and whether it is sure.
type Model = BTreeMap<u8, (Option<(u8, u64)>, bool)>;

#[derive(Clone, Copy, Debug)]
enum Step {
    Set(u8, Option<(u8, u64)>, bool),
    MakeSure(u8),
    Remove(u8),
}

fn id(timeline: u8) -> TimelineId {
    TimelineId([timeline; 16])
}

fn step() -> impl Strategy<Value = Step> {
    let timeline = || 0..TIMELINE_COUNT;
    let ancestor = option::weighted(0.9, (timeline(), 0..LSN_END));
    prop_oneof![
        6 => (timeline(), ancestor, any::<bool>()).prop_map(|(on, ancestor, is_sure)| {
            Step::Set(on, ancestor, is_sure)
        }),
        1 => timeline().prop_map(Step::MakeSure),
        2 => timeline().prop_map(Step::Remove),
    ]
}

/// A step of a tree without a circle: each timeline stands on one of a lower number.
fn step_down() -> impl Strategy<Value = Step> {
    step().prop_map(|step| match step {
        Step::Set(on, Some((ancestor, lsn)), is_sure) => {
            let ancestor = (ancestor < on).then_some((ancestor, lsn));
            Step::Set(on, ancestor, is_sure)
        }
        step => step,
    })
}

fn apply(step: Step, points: &mut Points, model: &mut Model) {
    match step {
        Step::Set(timeline, ancestor, is_sure) => {
            let on = ancestor.map(|(timeline, lsn)| Ancestor {
                timeline: id(timeline),
                lsn: Lsn(lsn),
            });
            points.set(id(timeline), on, is_sure);
            model.insert(timeline, (ancestor, is_sure));
        }
        Step::MakeSure(timeline) => {
            points.make_sure(id(timeline));
            if let Some((_, is_sure)) = model.get_mut(&timeline) {
                *is_sure = true;
            }
        }
        Step::Remove(timeline) => {
            points.remove(id(timeline));
            model.remove(&timeline);
        }
    }
}

/// The lowest LSN on the way down from one timeline to another.
fn lsn_on(model: &Model, timeline: u8, ancestor: u8) -> Option<u64> {
    let (mut next, mut lowest) = (timeline, u64::MAX);
    for _ in 0..model.len() {
        let (above, lsn) = model.get(&next)?.0?;
        lowest = lowest.min(lsn);
        if above == ancestor {
            return Some(lowest);
        }
        next = above;
    }
    None
}

fn compare(points: &Points, model: &Model) {
    for timeline in 0..TIMELINE_COUNT {
        let counting = |counts: fn(bool) -> bool| {
            let others = model.iter().filter(|(_, (_, is_sure))| counts(*is_sure));
            let lsns = others.filter_map(|(other, _)| lsn_on(model, *other, timeline));
            lsns.map(Lsn).collect::<BTreeSet<Lsn>>()
        };
        let (all, sure) = (counting(|_| true), counting(|is_sure| is_sure));
        assert_eq!(points.points(id(timeline), Kind::All), all);
        assert_eq!(points.points(id(timeline), Kind::Sure), sure);
        for lsn in (0..LSN_END).map(Lsn) {
            assert_eq!(points.has(id(timeline), lsn, Kind::All), all.contains(&lsn));
            let is_readable = points.has(id(timeline), lsn, Kind::Sure);
            assert_eq!(is_readable, sure.contains(&lsn));
        }
        let mut ancestors = model.iter().map(|(other, (above, _))| (*other, *above));
        let stands_there = |above: Option<(u8, u64)>| above.is_some_and(|(at, _)| at == timeline);
        let first = ancestors.find(|(_, above)| stands_there(*above));
        assert_eq!(
            points.first_branch(id(timeline)),
            first.map(|(branch, _)| id(branch))
        );
    }
    let stands_on_itself = |timeline: &u8| lsn_on(model, *timeline, *timeline).is_some();
    assert_eq!(
        points.cut.is_empty(),
        !model.keys().any(stands_on_itself),
        "an edge is cut only while there is a circle"
    );
}

/// A chain of `depth` branches, each at the LSN that `lsn` gives; returns the points of all.
fn chain(depth: u16, lsn: impl Fn(u16) -> u64) -> Points {
    let numbered = |number: u16| TimelineId(u128::from(number).to_be_bytes());
    let mut points = Points::default();
    points.set(numbered(0), None, true);
    for number in 1..=depth {
        let ancestor = Ancestor {
            timeline: numbered(number - 1),
            lsn: Lsn(lsn(number)),
        };
        points.set(numbered(number), Some(ancestor), true);
    }
    points
}

fn count(points: &Points) -> usize {
    points.below.values().map(|below| below.all.len()).sum()
}

#[test]
fn a_chain_of_branches_has_one_point_a_level() {
    assert_eq!(count(&chain(1_000, u64::from)), 1_000);
    // Branches below their parents' branch points are read in each of them.
    assert_eq!(count(&chain(10, |number| 100 - u64::from(number))), 55);
}

proptest! {
    #[test]
    fn points_are_those_of_the_definition(steps in vec(step_down(), 1..60)) {
        let (mut points, mut model) = (Points::default(), Model::new());
        for step in steps {
            apply(step, &mut points, &mut model);
            compare(&points, &model);
        }
    }

    #[test]
    fn points_are_those_of_the_definition_where_indexes_are_damaged(steps in vec(step(), 1..60)) {
        let (mut points, mut model) = (Points::default(), Model::new());
        for step in steps {
            apply(step, &mut points, &mut model);
            compare(&points, &model);
        }
    }
}
