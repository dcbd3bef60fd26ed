//! The command: what there is, what a read costs, and what a collection would do.

use std::io::{self, Write};
use std::path::Path;

use palimpsest::timeline::Quantity;
use palimpsest::{TimelineStats, block_on};
use serde_json::{Value as Json, json};

use crate::exit::CommandError;
use crate::form::Form;
use crate::session::{Session, SessionOptions};

/// The ranges and layers of each kind that are printed; all of them are in JSON.
const LINES_MAX: usize = 20;

/// Prints the figures of a timeline.
///
/// # Errors
/// Those of the engine.
pub fn stat(
    root: &Path,
    options: &SessionOptions,
    (out, form): (&mut dyn Write, Form),
) -> Result<(), CommandError> {
    block_on(async {
        let session = Session::open(root, options).await?;
        let stats = session.timeline.stats();
        let foreign = session.foreign_entries().await?;
        match form {
            Form::Text => {
                print(&stats, out)?;
                for path in foreign {
                    writeln!(out, "not the engine's         {}", path.display())?;
                }
            }
            Form::Json => {
                let mut json = json_of(&stats);
                json["foreign"] = json!(foreign);
                writeln!(out, "{json}")?;
            }
        }
        session.close().await
    })
}

fn print(stats: &TimelineStats, out: &mut dyn Write) -> io::Result<()> {
    let mut field = |name: &str, value: String| writeln!(out, "{name:<24} {value}");
    field("L0 deltas", stats.l0s.to_string())?;
    field("L1 deltas", stats.l1s.to_string())?;
    field("images", stats.images.to_string())?;
    field("newest images", stats.newest_images.to_string())?;
    field("files over newest images", told(space(stats)))?;
    field(
        "layers a read may visit",
        format!("{} at most", stats.read_depth_max()),
    )?;
    field("keys by that depth", String::new())?;
    for (keys, depth) in stats.read_depths.iter().take(LINES_MAX) {
        writeln!(out, "    {depth:>4}  {keys}")?;
    }
    print_rest(out, stats.read_depths.len())?;
    print_debts(stats, out)?;
    let forecast = &stats.collection;
    let (count, len) = (forecast.taken.len(), forecast.taken_len);
    writeln!(out, "a collection with the cutoff {}", forecast.cutoff)?;
    writeln!(out, "takes {count} layers of {len} bytes")?;
    for name in forecast.taken.iter().take(LINES_MAX) {
        writeln!(out, "    {name}")?;
    }
    print_rest(out, count)?;
    writeln!(out, "and keeps {}", forecast.kept.len())?;
    for (name, reason) in forecast.kept.iter().take(LINES_MAX) {
        writeln!(out, "    {name}: {reason}")?;
    }
    print_rest(out, forecast.kept.len())
}

/// Prints what is due of each job but a collection.
fn print_debts(stats: &TimelineStats, out: &mut dyn Write) -> io::Result<()> {
    let debts = &stats.debts;
    let mut field = |name: &str, value: String| writeln!(out, "{name:<24} {value}");
    field("durable up to", stats.disk_consistent_lsn.to_string())?;
    field("compaction is due of", debts.compaction.to_string())?;
    field(
        "images are due of",
        format!("{} parts of the keys", debts.image_part_count),
    )?;
    field("history to reduce", debts.gc_compaction.to_string())?;
    field(
        "layers to shed",
        format!("{} of before a split", debts.shed_layer_count),
    )
}

/// Says how many lines were left out.
fn print_rest(out: &mut dyn Write, count: usize) -> io::Result<()> {
    match count.checked_sub(LINES_MAX) {
        None | Some(0) => Ok(()),
        Some(rest) => writeln!(out, "    and {rest} more, see --json"),
    }
}

/// The bytes of all files over those of the newest images, if there are any.
fn space(stats: &TimelineStats) -> Option<f64> {
    let newest = stats.newest_images.len;
    (0 < newest).then(|| stats.files_len() as f64 / newest as f64)
}

fn told(ratio: Option<f64>) -> String {
    ratio.map_or("no images yet".to_owned(), |ratio| format!("{ratio:.2}"))
}

fn json_of(stats: &TimelineStats) -> Json {
    let quantity = |quantity: &Quantity| json!({"count": quantity.count, "len": quantity.len});
    let depths = stats.read_depths.iter().map(|(keys, depth)| {
        json!({"start": keys.start.to_string(), "end": keys.end.to_string(), "depth": depth})
    });
    let forecast = &stats.collection;
    let taken = forecast
        .taken
        .iter()
        .map(|name| Json::from(name.to_string()));
    let kept = forecast
        .kept
        .iter()
        .map(|(name, reason)| json!({"name": name.to_string(), "reason": reason.to_string()}));
    json!({
        "type": "stats",
        "l0": quantity(&stats.l0s),
        "l1": quantity(&stats.l1s),
        "image": quantity(&stats.images),
        "newest_image": quantity(&stats.newest_images),
        "space_amplification": space(stats),
        "disk_consistent_lsn": stats.disk_consistent_lsn.to_string(),
        "backlog": stats.backlog,
        "debts": {
            "compaction": quantity(&stats.debts.compaction),
            "image_part_count": stats.debts.image_part_count,
            "gc_compaction": quantity(&stats.debts.gc_compaction),
            "shed_layer_count": stats.debts.shed_layer_count,
        },
        "read_depth_max": stats.read_depth_max(),
        "read_depths": depths.collect::<Vec<Json>>(),
        "collection": {
            "cutoff": forecast.cutoff.to_string(),
            "taken": taken.collect::<Vec<Json>>(),
            "taken_len": forecast.taken_len,
            "kept": kept.collect::<Vec<Json>>(),
        },
    })
}
