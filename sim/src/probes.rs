//! The probes of the engine, so that a report can name those that no run reached.

/// The name of every probe in the engine's source, sorted.
pub const PROBES: [&str; 74] = [
    "a batch finds its layer too old",
    "a batch finds that its layer must make room",
    "a batch is delayed because L0s wait",
    "a batch is told why it would wait for L0s",
    "a batch is told why nothing is flushed",
    "a batch shares its LSN with the one before it",
    "a batch waits until there are fewer L0s",
    "a batch would make its layer too long",
    "a batch would make its layer too wide",
    "a branch that failed releases its point",
    "a call closes open files to make room for its own",
    "a collection drops a lease that is over",
    "a collection keeps a layer for a retained LSN only",
    "a compaction cuts one key's history by LSN",
    "a compaction finds an input collected meanwhile",
    "a compaction leaves L0s that stand above its run",
    "a compaction leaves a hole between keys",
    "a compaction leaves out a key of another shard",
    "a creation that did not come to its index is cleared away",
    "a failed sync latches a timeline",
    "a finished file waits for its name until another's removal has ended",
    "a flush finds its layers written, and no index of them",
    "a freeze comes between a batch's bytes and its records",
    "a full disk gets its reserve back",
    "a gc compaction comes to an image that is there",
    "a gc compaction cuts a layer that has no record on one side",
    "a gc compaction cuts one key's history by LSN",
    "a gc compaction finds a sparse key deleted by an image that lacks it",
    "a gc compaction finds an input compacted meanwhile",
    "a gc compaction keeps a deletion over an image that stays",
    "a gc compaction keeps a deletion that only an image has",
    "a gc compaction leaves a key as it is that has no value",
    "a gc compaction leaves out a key of another shard",
    "a job finds that another one has written its index",
    "a job finds what its like left when it was given up",
    "a job of maintenance fails",
    "a layer's file is closed for another one",
    "a layer's file is opened again",
    "a lease flushes what it is to keep readable",
    "a lease that is over is prolonged before a collection drops it",
    "a level gets images instead of a merge",
    "a read below the cutoff is admitted for a branch's sake",
    "a read below the cutoff is admitted for a lease's sake",
    "a read comes to a branch point with keys that are not inherited",
    "a read comes to a frozen layer",
    "a read descends in an index of several levels",
    "a read finds an image inside a delta's LSNs",
    "a read goes on in an ancestor",
    "a read of a closed timeline comes to a removed file",
    "a run of gc compaction goes around a key that is too long",
    "a run of gc compaction yields to the compaction of L0s",
    "a shed drops an image in which no own key has a value",
    "a shed leaves images to the next one",
    "a shutdown writes nothing after a failed sync",
    "a split clears what it had made of an older state",
    "a split copies a layer that cannot be linked",
    "a split finds a layer that an attempt before it has taken",
    "a split that was cut off is brought to its end",
    "a tiered compaction finds a lower level deep enough",
    "a value is longer than what is read of it at first",
    "an idle job writes the index that one before it could not",
    "an image creation comes to an image that is there",
    "an image creation does not look, so soon after the last",
    "an image creation goes on where it was stopped",
    "an image creation is overtaken by a collection",
    "an image creation leaves a key out that has no value",
    "an image creation makes no layer of sparse keys that have no value",
    "an image creation stops for L0s that wait",
    "an open ends a deletion that a crash interrupted",
    "an open finds the index that an open before it did not finish",
    "an open removes a layer that no index names",
    "maintenance freezes a layer that is too old",
    "maintenance freezes a layer to make room",
    "the images of a level are overtaken by a collection",
];

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "the engine's source is read from outside of any run"
)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::PROBES;

    /// The names of all probes in a source text: the literal in each call of `probe`.
    fn probes(text: &str) -> Vec<String> {
        let calls = text.split(".probe(").skip(1);
        let literal = |rest: &str| {
            let rest = rest.trim_start().strip_prefix('"')?;
            let (name, _) = rest.split_once('"')?;
            (!name.contains(['\\', '\n'])).then(|| name.to_string())
        };
        calls
            .map(|rest| {
                literal(rest).expect("a probe's name is a plain literal, so that a search finds it")
            })
            .collect()
    }

    fn add_probes(found: &mut BTreeSet<String>, dir: &Path) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add_probes(found, &path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.extend(probes(&fs::read_to_string(&path).unwrap()));
            }
        }
    }

    #[test]
    fn a_probe_may_stand_on_the_next_line() {
        let text = "io.probe(\"a b\"); self.io\n    .probe(\n        \"c\",\n    );";
        assert_eq!(probes(text), ["a b", "c"]);
    }

    #[test]
    fn every_probe_of_the_engine_is_listed() {
        let mut found = BTreeSet::new();
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/src");
        add_probes(&mut found, Path::new(source));
        let listed = PROBES.map(String::from);
        assert!(listed.is_sorted());
        let found = Vec::from_iter(found);
        assert_eq!(found, listed, "left: the engine's probes; right: PROBES");
    }
}
