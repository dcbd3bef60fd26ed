//! An index as text, for people and for snapshots.

use std::fmt::Write;

use super::index::Index;
use crate::base::DecodeError;

/// The text of an index: its fields, the heads of its sections, how far gc compaction has come, its
/// leases and its layers.
///
/// # Errors
/// Those of `Index::decode`.
pub fn dump_index(bytes: &[u8]) -> Result<String, DecodeError> {
    let index = Index::decode(bytes)?;
    let mut out = Out::default();
    out.line(format_args!("timeline index"));
    out.field("tenant", index.tenant);
    out.field("timeline", index.timeline);
    out.field("generation", index.generation);
    match index.ancestor {
        Some(ancestor) => {
            let place = format!("{} at {}", ancestor.timeline, ancestor.lsn);
            out.field("ancestor", place);
        }
        None => out.field("ancestor", "none"),
    }
    out.field("disk_consistent_lsn", index.disk_consistent_lsn);
    out.field("gc_cutoff", index.gc_cutoff);
    out.field("is_deleted", index.is_deleted);
    let sections = Index::sections(bytes)?;
    out.field("sections", sections.len());
    for section in sections {
        let (name, len, offset) = (section.name, section.len, section.offset);
        let kind = match section.is_required {
            true => "required",
            false => "ignorable",
        };
        out.line(format_args!(
            "    {name:<8}  {kind}  {len} bytes from {offset}"
        ));
    }
    out.field("reduced_lsn", index.gc_compaction.reduced_lsn);
    if let Some(run) = index.gc_compaction.run {
        let (horizon, next) = (run.horizon, run.next);
        out.line(format_args!("    a run up to {horizon}, next key {next}"));
    }
    out.field("strategy", index.strategy);
    out.field("policy", index.policy);
    out.field("leases", index.leases.len());
    for (lsn, valid_until) in &index.leases {
        let nanoseconds = valid_until.0;
        out.line(format_args!("    {lsn} until {nanoseconds} ns"));
    }
    let shard = &index.shard.identity;
    if !shard.is_unsharded() {
        let (number, count, stripe) = (shard.number(), shard.count(), shard.stripe());
        out.field("shard", format!("{number} of {count}, stripe {stripe}"));
    }
    for origin in &index.shard.origins {
        let (count, through) = (origin.count, origin.through);
        out.field("split", format!("from {count}, layers up to {through}"));
    }
    for keys in index.sparse_keys.sparse().ranges() {
        out.field("sparse", keys);
    }
    for keys in index.sparse_keys.not_inherited().ranges() {
        out.field("not inherited", keys);
    }
    out.field("layers", index.layers.len());
    for layer in &index.layers {
        let checksum = match layer.checksum {
            Some(checksum) => format!("{checksum:08x}"),
            None => "none".to_owned(),
        };
        let (name, generation, len) = (layer.name, layer.generation, layer.len);
        out.line(format_args!("{name}"));
        out.line(format_args!(
            "    generation {generation}  len {len}  checksum {checksum}"
        ));
    }
    Ok(out.text)
}

/// The text of a dump, as it grows.
#[derive(Default)]
struct Out {
    text: String,
}

impl Out {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").expect("a string takes any text");
    }

    fn field(&mut self, name: &str, value: impl std::fmt::Display) {
        self.line(format_args!("{name:<19} {value}"));
    }
}
