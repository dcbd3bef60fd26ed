//! The history against a plain list, key by key.

use super::*;
use crate::layer::Visibility;

/// One key of each stretch where nothing changes, over some more keys than the layers have.
fn points(names: &[LayerName]) -> Vec<Key> {
    let mut points = list::keys_of_interest(names, KeyRange::ALL);
    points.extend((0..=2 * KEY_MAX).map(key));
    points
}

/// The answer for `key` in `segments`.
fn at<T>(segments: &[(KeyRange, T)], key: Key) -> Option<&T> {
    let mut over = segments.iter().filter(|(keys, _)| keys.contains(key));
    let found = over.next().map(|(_, value)| value);
    assert!(over.next().is_none());
    found
}

/// Whether the segments are not empty, in order and within `keys`.
fn is_in_order<T>(segments: &[(KeyRange, T)], keys: KeyRange) -> bool {
    segments.is_sorted_by(|(low, _), (high, _)| low.end <= high.start)
        && segments.iter().all(|(segment, _)| {
            !segment.is_empty() && keys.start <= segment.start && segment.end <= keys.end
        })
}

fn any_range() -> impl Strategy<Value = KeyRange> {
    prop_oneof![Just(KeyRange::ALL), any_keys()]
}

fn any_end() -> impl Strategy<Value = Lsn> {
    (0..=2 * LSN_MAX).prop_map(Lsn)
}

/// The visits of a read from `end` down to the first image, with the LSNs that it reads in each.
fn walk(history: &History<LayerName>, key: Key, end: Lsn) -> Vec<(LayerName, LsnRange)> {
    let mut visits = Vec::new();
    let mut below = end;
    while let Some(found) = history.find(key, below) {
        assert!(found.floor < below);
        visits.push((found.name, LsnRange::new(found.floor, below)));
        below = found.floor;
        if found.name.is_image() {
            break;
        }
    }
    visits
}

proptest! {
    #[test]
    fn find_says_what_the_table_says(names in any_layers(), end in any_end()) {
        let history = history(&names);
        for key in points(&names) {
            let found = history.find(key, end).map(|found| (found.name, found.floor));
            prop_assert_eq!(found, list::find(&names, key, end));
        }
    }

    #[test]
    fn find_range_finds_the_same_at_each_key(
        names in any_layers(),
        keys in any_range(),
        end in any_end(),
    ) {
        let answers = history(&names).find_range(keys, end);
        prop_assert!(is_in_order(&answers, keys));
        for key in points(&names).into_iter().filter(|key| keys.contains(*key)) {
            let found = at(&answers, key).map(|found| (found.name, found.floor));
            prop_assert_eq!(found, list::find(&names, key, end), "{}", key);
        }
        for pair in answers.windows(2) {
            let [(low, a), (high, b)] = pair else { unreachable!() };
            prop_assert!(low.end < high.start || a != b);
        }
    }

    #[test]
    fn image_coverage_names_the_newest_image_at_each_key(
        names in any_layers(),
        keys in any_range(),
        lsn in any_end(),
    ) {
        let segments = history(&names).image_coverage(keys, lsn);
        prop_assert!(is_in_order(&segments, keys));
        prop_assert!(segments.is_sorted_by(|(low, a), (high, b)| low.end == high.start && a != b));
        prop_assert_eq!(segments.first().map(|(first, _)| first.start), Some(keys.start));
        prop_assert_eq!(segments.last().map(|(last, _)| last.end), Some(keys.end));
        for key in points(&names).into_iter().filter(|key| keys.contains(*key)) {
            prop_assert_eq!(at(&segments, key), Some(&list::newest_image(&names, key, lsn)));
        }
    }

    #[test]
    fn keys_are_covered_if_each_lies_under_an_image(
        names in any_layers(),
        keys in any_range(),
        lsns in any_lsns(),
    ) {
        let mut inside = names.clone();
        inside.retain(|name| lsns.contains(name.lsns().start));
        let mut points = list::keys_of_interest(&names, keys).into_iter();
        let expected = points.all(|key| list::newest_image(&inside, key, Lsn::MAX).is_some());
        prop_assert_eq!(history(&names).is_covered_by_images(keys, lsns), expected);
    }

    #[test]
    fn a_layer_is_hidden_if_no_walk_from_the_point_visits_it(
        names in any_lawful_layers(),
        point in any_end(),
    ) {
        let history = history(&names);
        let walks = points(&names).into_iter().map(|key| walk(&history, key, point.visible_end()));
        let visited: BTreeSet<LayerName> = walks.flatten().map(|(name, _)| name).collect();
        for name in names.iter().filter(|name| name.lsns().start <= point) {
            prop_assert_eq!(history.is_hidden(name, point), !visited.contains(name), "{}", name);
        }
    }

    #[test]
    fn a_layer_is_covered_if_no_walk_from_any_point_visits_it(
        names in any_lawful_layers(),
        from in proptest::collection::btree_set(any_end(), 0..4),
    ) {
        let history = history(&names);
        let keys = points(&names);
        let walks = keys.into_iter().flat_map(|key| {
            let ends = from.iter().map(|point| point.visible_end());
            ends.map(|end| walk(&history, key, end)).collect::<Vec<_>>()
        });
        let visited: BTreeSet<LayerName> = walks.flatten().map(|(name, _)| name).collect();
        for (name, visibility) in history.visibility(&from) {
            let is_visible = name.is_l0() || visited.contains(&name);
            prop_assert_eq!(visibility == Visibility::Visible, is_visible, "{}", name);
        }
    }

    #[test]
    fn deltas_are_counted_where_most_of_them_lie(
        names in any_layers(),
        keys in any_range(),
        lsns in any_lsns(),
        limit in 0_usize..12,
    ) {
        let with = if keys.is_all() { names.as_slice() } else { &[] };
        let counts = list::keys_of_interest(&names, keys)
            .into_iter()
            .map(|key| list::delta_count(&names, key, lsns, with));
        let expected = counts.max().unwrap_or(0).min(limit);
        prop_assert_eq!(history(&names).count_deltas(keys, lsns, limit), expected);
    }

    #[test]
    fn a_walk_down_passes_every_delta_above_the_newest_image(
        names in any_lawful_layers(),
        end in any_end(),
    ) {
        let history = history(&names);
        for key in points(&names) {
            let visits = walk(&history, key, end);
            // Law 7: it ends at the newest image, if there is one.
            let newest = end.0.checked_sub(1).and_then(|lsn| {
                list::newest_image(&names, key, Lsn(lsn))
            });
            let last = visits.last().map(|(name, _)| *name);
            prop_assert_eq!(last.filter(LayerName::is_image), newest);
            let base = newest.map_or(0, |image| image.lsns().end.0);
            for lsn in (base..end.0).map(Lsn) {
                let holds = |it: &LayerName| it.keys().contains(key) && it.lsns().contains(lsn);
                let mut holders = names.iter().filter(|name| name.is_delta() && holds(name));
                let is_visited = |name| visits.iter().any(|it| it.0 == name && it.1.contains(lsn));
                prop_assert!(holders.all(|name| is_visited(*name)));
            }
        }
    }

    #[test]
    fn a_history_is_the_set_of_its_layers(
        names in any_layers(),
        picks in proptest::collection::vec(any::<bool>(), 24),
    ) {
        let picked = |wanted: bool| {
            let pairs = names.iter().zip(&picks);
            pairs.filter(move |(_, pick)| **pick == wanted).map(|(name, _)| *name)
        };
        let whole = history(&names);
        let removed: Vec<LayerName> = picked(true).collect();
        let rest = whole.with(&removed, vec![]);
        let mut left: Vec<LayerName> = picked(false).collect();
        left.sort();
        prop_assert!(rest.iter().map(|(name, _)| name).eq(left.iter().copied()));
        prop_assert_eq!((rest.len(), rest.is_empty()), (left.len(), left.is_empty()));
        prop_assert!(removed.iter().all(|name| !rest.has(name) && whole.get(name) == Some(name)));

        let again = rest.with(&[], removed.iter().map(|name| (*name, *name)).collect());
        prop_assert!(again.iter().eq(whole.iter()));
        prop_assert_eq!(whole.len(), names.len());
    }
}
