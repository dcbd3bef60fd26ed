//! Layers by key: a balanced tree that shares its nodes between versions.
//!
//! 1. A node never changes. An insertion or a removal makes new nodes along one path, from the root
//!    down, and shares all others with the version before, which stays as it was.
//! 2. The order is by the start of the keys, then by name. The layers over a key start at it or
//!    below; a column of layers that are cut at the same keys stands together, by LSN.
//! 3. Each node has the bounds of its subtree: the greatest key end, the lowest LSN start and the
//!    greatest LSN end. A search skips whole subtrees by these three.
//! 4. Balance is by weight, a subtree's length plus one: no side of a node weighs more than three
//!    times the other, and one rotation repairs what one insertion or removal has tilted.

use std::cmp::Ordering;
use std::sync::Arc;

use super::select::rank;
use crate::base::{Key, KeyRange, LayerName, Lsn, LsnRange};

/// How many times the weight of the other side a side may have.
///
/// With `INNER_RATIO` 2 this is the only pair of integers with which one rotation always restores
/// balance.
const WEIGHT_RATIO_MAX: usize = 3;

/// The weight of the inner grandchild, in multiples of the outer one's, from which on it takes a
/// double rotation.
const INNER_RATIO: usize = 2;

type MapLink<T> = Option<Arc<MapNode<T>>>;

/// A map from layer names to layers.
#[derive(Clone)]
pub struct LayerTree<T> {
    root: MapLink<T>,
}

struct MapNode<T> {
    name: LayerName,
    layer: T,
    left: MapLink<T>,
    right: MapLink<T>,
    reach: NodeReach,
}

/// The bounds of a subtree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct NodeReach {
    len: usize,
    key_end: Key,
    /// The LSNs from the lowest start to the greatest end.
    lsns: LsnRange,
}

impl<T> LayerTree<T> {
    /// An empty tree.
    pub fn new() -> LayerTree<T> {
        LayerTree { root: None }
    }

    /// The number of layers.
    pub fn len(&self) -> usize {
        len(&self.root)
    }

    /// The LSNs from the lowest start of a layer to the greatest end; `None` without layers.
    pub fn lsns(&self) -> Option<LsnRange> {
        self.root.as_ref().map(|root| root.reach.lsns)
    }

    /// The layer of a name.
    pub fn get(&self, name: &LayerName) -> Option<&T> {
        let mut link = &self.root;
        while let Some(node) = link {
            link = match order(name, &node.name) {
                Ordering::Less => &node.left,
                Ordering::Equal => return Some(&node.layer),
                Ordering::Greater => &node.right,
            };
        }
        None
    }

    /// All layers, in the tree's order: by the start of the keys, then by name.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter::new(self, None)
    }

    /// The layers that share a key with `keys` and an LSN with `lsns`, in the tree's order.
    pub fn overlapping(&self, keys: KeyRange, lsns: LsnRange) -> Iter<'_, T> {
        Iter::new(self, Some((keys, lsns)))
    }

    /// The latest, by `rank`, of `best` and the layers that cover the key and start below the LSN.
    pub fn latest<'a>(
        &'a self,
        at: (Key, Lsn),
        best: Option<(&'a LayerName, &'a T)>,
    ) -> Option<(&'a LayerName, &'a T)> {
        latest(&self.root, at, best)
    }

    /// Panics if the tree is out of order or balance, or a node is wrong about its subtree.
    pub fn check_laws(&self) {
        check_reach(&self.root);
        assert!(
            self.iter()
                .is_sorted_by(|(low, _), (high, _)| { order(low, high) == Ordering::Less })
        );
    }
}

impl<T: Clone> LayerTree<T> {
    /// Inserts a layer.
    ///
    /// # Panics
    /// If there is one of that name.
    pub fn insert(&mut self, name: LayerName, layer: T) {
        let len = self.len();
        self.root = Some(insert(&self.root, (name, layer)));
        assert!(self.len() == len + 1);
    }

    /// Removes a layer and returns it; `None` if there is none of that name.
    pub fn remove(&mut self, name: &LayerName) -> Option<T> {
        let layer = self.get(name)?.clone();
        let len = self.len();
        self.root = remove(&self.root, name);
        assert!(self.len() + 1 == len);
        Some(layer)
    }
}

/// Iterates in order over the layers that overlap the bounds.
pub struct Iter<'a, T> {
    /// The nodes to visit, whose left sides are done, the next one last.
    stack: Vec<&'a MapNode<T>>,
    /// The keys and LSNs that layers must overlap; `None` for all layers.
    bounds: Option<(KeyRange, LsnRange)>,
}

impl<'a, T> Iter<'a, T> {
    fn new(tree: &'a LayerTree<T>, bounds: Option<(KeyRange, LsnRange)>) -> Iter<'a, T> {
        let stack = Vec::new();
        let mut iter = Iter { stack, bounds };
        iter.push_left(&tree.root);
        iter
    }

    /// Descends to the left as long as a match may be there.
    fn push_left(&mut self, mut link: &'a MapLink<T>) {
        while let Some(node) = link {
            if self.bounds.is_some_and(|bounds| !node.may_match(bounds)) {
                return;
            }
            self.stack.push(node);
            link = &node.left;
        }
    }
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = (LayerName, &'a T);

    fn next(&mut self) -> Option<(LayerName, &'a T)> {
        while let Some(node) = self.stack.pop() {
            let is_behind = |(keys, _): (KeyRange, _)| keys.end <= node.name.keys().start;
            if self.bounds.is_some_and(is_behind) {
                self.stack.clear(); // All others start at these keys or above.
                return None;
            }
            self.push_left(&node.right);
            if self.bounds.is_none_or(|bounds| node.matches(bounds)) {
                return Some((node.name, &node.layer));
            }
        }
        None
    }
}

impl<T> MapNode<T> {
    /// Whether, by the bounds, a layer of the subtree may match.
    fn may_match(&self, (keys, lsns): (KeyRange, LsnRange)) -> bool {
        keys.start < self.reach.key_end && shares_lsn(self.reach.lsns, lsns)
    }

    fn matches(&self, (keys, lsns): (KeyRange, LsnRange)) -> bool {
        shares_key(self.name.keys(), keys) && shares_lsn(self.name.lsns(), lsns)
    }

    /// Whether, by the bounds, a layer of the subtree may be later than `best` for a read of `key`
    /// below `end`.
    fn may_beat(&self, (key, end): (Key, Lsn), best: Option<LsnRange>) -> bool {
        let LsnRange { start, end: top } = self.reach.lsns;
        let may_beat = |best: LsnRange| best.end < top || (best.end == top && start <= best.start);
        key < self.reach.key_end && start < end && best.is_none_or(may_beat)
    }

    /// Whether the layer itself is later than `best` for a read of `key` below `end`.
    fn beats(&self, (key, end): (Key, Lsn), best: Option<&LayerName>) -> bool {
        self.name.keys().contains(key)
            && self.name.lsns().start < end
            && best.is_none_or(|best| rank(best) < rank(&self.name))
    }
}

impl<T: Clone> MapNode<T> {
    fn entry(&self) -> (LayerName, T) {
        (self.name, self.layer.clone())
    }
}

/// Whether both share a key; `false` if one is empty.
fn shares_key(a: KeyRange, b: KeyRange) -> bool {
    a.start.max(b.start) < a.end.min(b.end)
}

/// Whether both share an LSN; `false` if one is empty.
fn shares_lsn(a: LsnRange, b: LsnRange) -> bool {
    a.start.max(b.start) < a.end.min(b.end)
}

fn order(a: &LayerName, b: &LayerName) -> Ordering {
    (a.keys().start, a).cmp(&(b.keys().start, b))
}

fn len<T>(link: &MapLink<T>) -> usize {
    link.as_ref().map_or(0, |node| node.reach.len)
}

fn weight<T>(link: &MapLink<T>) -> usize {
    len(link) + 1
}

fn is_balanced<T>(left: &MapLink<T>, right: &MapLink<T>) -> bool {
    weight(left) <= WEIGHT_RATIO_MAX * weight(right)
        && weight(right) <= WEIGHT_RATIO_MAX * weight(left)
}

fn reach<T>(name: &LayerName, left: &MapLink<T>, right: &MapLink<T>) -> NodeReach {
    let own = NodeReach {
        len: 1,
        key_end: name.keys().end,
        lsns: name.lsns(),
    };
    let sides = [left, right].into_iter().flatten();
    sides.fold(own, |sum, side| NodeReach {
        len: sum.len + side.reach.len,
        key_end: sum.key_end.max(side.reach.key_end),
        lsns: LsnRange {
            start: sum.lsns.start.min(side.reach.lsns.start),
            end: sum.lsns.end.max(side.reach.lsns.end),
        },
    })
}

fn latest<'a, T>(
    link: &'a MapLink<T>,
    at: (Key, Lsn),
    mut best: Option<(&'a LayerName, &'a T)>,
) -> Option<(&'a LayerName, &'a T)> {
    let Some(node) = link else {
        return best;
    };
    if !node.may_beat(at, best.map(|(name, _)| name.lsns())) {
        return best;
    }
    // The right side first: of layers over equal keys, the later ones are there.
    if node.name.keys().start <= at.0 {
        best = latest(&node.right, at, best);
        if node.beats(at, best.map(|(name, _)| name)) {
            best = Some((&node.name, &node.layer));
        }
    }
    latest(&node.left, at, best)
}

/// Makes a node of two sides that are in balance.
fn join<T>((name, layer): (LayerName, T), left: MapLink<T>, right: MapLink<T>) -> Arc<MapNode<T>> {
    let reach = reach(&name, &left, &right);
    Arc::new(MapNode {
        name,
        layer,
        left,
        right,
        reach,
    })
}

/// Makes a node of two sides that were in balance until one of them gained or lost a layer.
fn balance<T: Clone>(
    entry: (LayerName, T),
    left: MapLink<T>,
    right: MapLink<T>,
) -> Arc<MapNode<T>> {
    if is_balanced(&left, &right) {
        return join(entry, left, right);
    }
    match (left, right) {
        (left, Some(right)) if weight(&left) <= right.reach.len => lift_right(entry, left, &right),
        (Some(left), right) => lift_left(entry, &left, right),
        (None, _) => unreachable!("the left side is the heavy one"),
    }
}

/// Rotates the heavier right side to the left.
fn lift_right<T: Clone>(
    entry: (LayerName, T),
    left: MapLink<T>,
    right: &MapNode<T>,
) -> Arc<MapNode<T>> {
    let outer = right.right.clone();
    match &right.left {
        Some(inner) if INNER_RATIO * weight(&outer) <= inner.reach.len + 1 => {
            let low = join(entry, left, inner.left.clone());
            let high = join(right.entry(), inner.right.clone(), outer);
            join(inner.entry(), Some(low), Some(high))
        }
        inner => join(right.entry(), Some(join(entry, left, inner.clone())), outer),
    }
}

/// Rotates the heavier left side to the right.
fn lift_left<T: Clone>(
    entry: (LayerName, T),
    left: &MapNode<T>,
    right: MapLink<T>,
) -> Arc<MapNode<T>> {
    let outer = left.left.clone();
    match &left.right {
        Some(inner) if INNER_RATIO * weight(&outer) <= inner.reach.len + 1 => {
            let low = join(left.entry(), outer, inner.left.clone());
            let high = join(entry, inner.right.clone(), right);
            join(inner.entry(), Some(low), Some(high))
        }
        inner => join(left.entry(), outer, Some(join(entry, inner.clone(), right))),
    }
}

fn insert<T: Clone>(link: &MapLink<T>, entry: (LayerName, T)) -> Arc<MapNode<T>> {
    let Some(node) = link else {
        return join(entry, None, None);
    };
    match order(&entry.0, &node.name) {
        Ordering::Less => {
            let left = insert(&node.left, entry);
            balance(node.entry(), Some(left), node.right.clone())
        }
        Ordering::Equal => panic!("the layer {} is there already", node.name),
        Ordering::Greater => {
            let right = insert(&node.right, entry);
            balance(node.entry(), node.left.clone(), Some(right))
        }
    }
}

/// The subtree without `name`, which is in it.
fn remove<T: Clone>(link: &MapLink<T>, name: &LayerName) -> MapLink<T> {
    let node = link.as_ref().expect("the caller has found the name");
    match order(name, &node.name) {
        Ordering::Less => {
            let left = remove(&node.left, name);
            Some(balance(node.entry(), left, node.right.clone()))
        }
        Ordering::Equal => match &node.right {
            None => node.left.clone(),
            Some(right) => {
                let (next, right) = remove_first(right);
                Some(balance(next, node.left.clone(), right))
            }
        },
        Ordering::Greater => {
            let right = remove(&node.right, name);
            Some(balance(node.entry(), node.left.clone(), right))
        }
    }
}

/// The first layer of a subtree, and the others.
fn remove_first<T: Clone>(node: &MapNode<T>) -> ((LayerName, T), MapLink<T>) {
    match &node.left {
        None => (node.entry(), node.right.clone()),
        Some(left) => {
            let (first, left) = remove_first(left);
            let rest = balance(node.entry(), left, node.right.clone());
            (first, Some(rest))
        }
    }
}

fn check_reach<T>(link: &MapLink<T>) {
    if let Some(node) = link {
        check_reach(&node.left);
        check_reach(&node.right);
        assert!(is_balanced(&node.left, &node.right));
        assert!(node.reach == reach(&node.name, &node.left, &node.right));
    }
}
