//! How scripts run jobs, and what they say of them.

use palimpsest::timeline::{Effect, GcCompacted, HistoryRange, Mode, Progress};
use palimpsest::{Strategy, Timeline};

use crate::aside::Answer;
use crate::faulty::FaultyIo;
use crate::layer;
use crate::script::{DONE, say};
use crate::words::{keys, lsn};

/// Sets the strategy of compactions, or says which it is.
pub async fn strategy(timeline: &Timeline<FaultyIo>, name: &str) -> Answer {
    let named = Strategy::ALL.into_iter().find(|it| it.name() == name);
    match named {
        Some(strategy) => timeline.set_strategy(strategy).await.map(|()| None),
        None => say(timeline.strategy()),
    }
}

/// Reads the range and runs a gc compaction of it.
pub async fn gc_compact(timeline: &Timeline<FaultyIo>, words: &str) -> Answer {
    match words {
        "all" => return tell_reduced(timeline.gc_compact_all(Mode::ByNeed).await?),
        "all forced" => return tell_reduced(timeline.gc_compact_all(Mode::Forced).await?),
        _ => {}
    }
    let (mut range, mut effect) = (HistoryRange::ALL, Effect::Write);
    let mut words = words.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "dry" => effect = Effect::DryRun,
            "from" => range.lsns.start = lsn(words.next().expect("an LSN")),
            "to" => range.lsns.end = lsn(words.next().expect("an LSN")),
            _ => range.keys = keys(word),
        }
    }
    tell_reduced(timeline.gc_compact(range, effect).await?)
}

fn tell_reduced(compacted: GcCompacted) -> Answer {
    let stats = compacted.stats;
    let read = stats.records.count + stats.images.count;
    assert_eq!(
        stats.kept.count + stats.dropped.count,
        read + stats.absent_count
    );
    let written: Vec<String> = compacted
        .written
        .iter()
        .map(|name| layer::kind(*name).to_owned() + " " + &layer::short(*name))
        .collect();
    let layers = format!(
        "{} replaced by {}",
        compacted.replaced.len(),
        written.join(", ")
    );
    match (compacted.progress, written.is_empty()) {
        (Progress::Done, true) => say(format!("{} replaced", compacted.replaced.len())),
        (Progress::Done, false) => say(layers),
        (progress, true) => say(format!("gc-compact {progress}")),
        (progress, false) => say(format!("{layers}, {progress}")),
    }
}

pub async fn images(timeline: &Timeline<FaultyIo>, mode: Mode) -> Answer {
    let imaged = timeline.create_images(mode).await?;
    progress("images", imaged.progress)
}

pub fn progress(verb: &str, progress: Progress) -> Answer {
    match progress {
        Progress::Done => DONE,
        _ => say(format!("{verb}: {progress}")),
    }
}
