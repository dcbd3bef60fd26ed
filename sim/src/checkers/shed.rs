//! Checks that a shed leaves no layer that it is for.
//!
//! * Verified: after a shed that ran alone and had nothing to do, each layer from before a split
//!   has a key of the shard in its range; and each such image below the cutoff that some read
//!   needs has more own keys than three in ten, where its keys can be counted one by one, and is
//!   not there where they cannot.
//! * Not verified: deltas, which stay until another job takes them; what is taken in which call.

use palimpsest::base::{Key, KeyRange, LayerName, ShardIdentity};

use super::Sight;
use crate::keys;
use crate::label::TimelineLabel;
use crate::laws;
use crate::oracle;
use crate::verdict::Verdict;

/// A range of more keys than this is not counted.
const KEYS_COUNTED_MAX: u64 = 4096;

/// Checks a timeline on which a shed was idle.
///
/// # Errors
/// The broken law.
pub fn check_idle(sight: &Sight, label: TimelineLabel) -> Result<(), Verdict> {
    let shard = ShardIdentity::from(sight.knobs.shard);
    let retained = oracle::retained(sight.expectations, label).surely;
    let index = laws::index(&mut sight.world.state().disk, keys::timeline(label))?;
    let names: Vec<LayerName> = index.layers.iter().map(|layer| layer.name).collect();
    for layer in &index.layers {
        if !index.shard.is_inherited(layer.generation) {
            continue;
        }
        let name = layer.name;
        let counts = count(shard, name.keys());
        if counts.is_some_and(|(own, _)| own == 0) {
            let law = "after a shed no layer is of other shards' keys alone";
            return Err(Verdict::law(law, name.to_string()));
        }
        let is_few = counts.is_none_or(|(own, all)| 10 * own <= 3 * all);
        let is_below = name.is_image() && name.lsns().end < index.gc_cutoff;
        let is_needed = || laws::is_needed(&names, index.gc_cutoff, &retained, &name);
        if is_few && is_below && is_needed() {
            let law = "after a shed no image that stays below the cutoff has few own keys";
            return Err(Verdict::law(law, name.to_string()));
        }
    }
    Ok(())
}

/// How many keys of a range the shard holds, and how many there are: counted one by one; nothing if
/// it reaches over relations or is long.
fn count(shard: ShardIdentity, range: KeyRange) -> Option<(u64, u64)> {
    let all = range.start.distance_to(range.end);
    let relation = |key: Key| (key.field1, key.field2, key.field3, key.field4, key.field5);
    let is_one = all == 1 || relation(range.start) == relation(range.end);
    if KEYS_COUNTED_MAX < all || !is_one {
        return None;
    }
    let keys = (0..all).map(|at| range.start.add(at as u32));
    let own = keys.filter(|key| shard.holds(*key)).count() as u64;
    Some((own, all))
}
