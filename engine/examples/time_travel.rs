//! Reads a page as it was at any LSN, also after every job has reshaped the files, and writes
//! another history on a branch that starts in the past.

use std::error::Error;
use std::time::Duration;

use palimpsest::{Batch, Edit, Engine, Key, Lsn, Mode, Options, OsIo, Timeline, Value};
use palimpsest::{TimelineId, block_on};

/// Appends one word to the page at each LSN: changes, not whole pages.
async fn write(timeline: &Timeline, words: &[(u64, &str)]) -> palimpsest::Result<()> {
    let mut batch = Batch::new();
    for (lsn, word) in words {
        let suffix = word.as_bytes().to_vec();
        let record = Edit::Append { suffix }.into_record();
        batch.push(Key::MIN, Lsn(*lsn), &Value::Record(record))?;
    }
    timeline.writer()?.put_batch(&batch).await
}

async fn read(timeline: &Timeline, lsn: u64) -> palimpsest::Result<String> {
    let page = timeline.get(Key::MIN, Lsn(lsn)).await?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let options = Options {
        gc_distance: 5, // LSNs; so few that the last reads of this example come too late.
        gc_age: Duration::ZERO,
        ..Options::default()
    };
    block_on(async {
        let engine = Engine::open(OsIo::new(), dir.path(), options).await?;
        let main = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
        let mut batch = Batch::new();
        batch.push(Key::MIN, Lsn(10), &Value::Image(b"once".to_vec()))?;
        main.writer()?.put_batch(&batch).await?;
        write(&main, &[(20, " upon"), (30, " a time")]).await?;

        let branch = engine.branch_timeline(TimelineId([2; 16]), main.id(), Lsn(20));
        let branch = branch.await?;
        write(&branch, &[(30, " another")]).await?;

        main.flush().await?;
        main.compact(Mode::Forced).await?; // No job changes an answer.
        main.create_images(Mode::Forced).await?;
        for lsn in [10, 20, 30] {
            println!("main   at {lsn}: {}", read(&main, lsn).await?);
        }
        println!("branch at 30: {}", read(&branch, 30).await?);

        let cutoff = main.gc().await?.cutoff;
        println!(
            "collected up to {cutoff}: {}",
            read(&main, 10).await.unwrap_err()
        );
        println!("kept for the branch at 20: {}", read(&main, 20).await?);
        engine.shutdown().await?;
        Ok(())
    })
}
