//! The tree against a sorted map.

use std::collections::BTreeMap;

use super::*;
use crate::layer::map::tree::LayerTree;

type Model = BTreeMap<(Key, LayerName), u32>;

fn check(tree: &LayerTree<u32>, model: &Model) {
    tree.check_laws();
    assert_eq!(tree.len(), model.len());
    let expected = model.iter().map(|((_, name), layer)| (*name, layer));
    assert!(tree.iter().eq(expected));
}

/// A tree of `count` layers, inserted in the order that `next` gives.
fn full(count: u32, next: impl Fn(u32) -> u32) -> LayerTree<u32> {
    let mut tree = LayerTree::new();
    for number in (0..count).map(next) {
        tree.insert(image(keys(number, number + 1), 10), number);
    }
    tree
}

#[test]
fn stays_in_balance_whatever_the_order() {
    full(1000, |number| number).check_laws();
    full(1000, |number| 1000 - number).check_laws();
    full(1000, |number| number * 389 % 1000).check_laws();
    full(1000, |number| {
        if number % 2 == 0 {
            number
        } else {
            2000 - number
        }
    })
    .check_laws();
}

#[test]
fn stays_in_balance_until_it_is_empty() {
    let mut tree = full(400, |number| number);
    for number in (0..400).map(|number| number * 3 % 400) {
        let name = image(keys(number, number + 1), 10);
        assert_eq!(tree.remove(&name), Some(number));
        assert_eq!(tree.remove(&name), None);
        tree.check_laws();
    }
    assert_eq!(tree.len(), 0);
}

proptest! {
    #[test]
    fn is_a_sorted_map_and_older_versions_stay(
        steps in proptest::collection::vec((any_layer(), any::<bool>()), 0..60),
    ) {
        let mut versions = vec![(LayerTree::new(), Model::new())];
        for (number, (name, is_removal)) in (0..).zip(steps) {
            let (mut tree, mut model) = versions.last().unwrap().clone();
            let at = (name.keys().start, name);
            prop_assert_eq!(tree.get(&name), model.get(&at));
            if is_removal || model.contains_key(&at) {
                prop_assert_eq!(tree.remove(&name), model.remove(&at));
            } else {
                tree.insert(name, number);
                model.insert(at, number);
            }
            versions.push((tree, model));
        }
        for (tree, model) in &versions {
            check(tree, model);
        }
    }

    #[test]
    fn overlapping_layers_are_found(names in any_layers(), keys in any_keys(), lsns in any_lsns()) {
        let mut tree = LayerTree::new();
        for name in &names {
            tree.insert(*name, ());
        }
        let mut expected = names.clone();
        expected.retain(|it| it.keys().overlaps(&keys) && it.lsns().overlaps(&lsns));
        expected.sort_by_key(|name| (name.keys().start, *name));
        let found: Vec<LayerName> = tree.overlapping(keys, lsns).map(|(it, ())| it).collect();
        prop_assert_eq!(found, expected);
    }
}
