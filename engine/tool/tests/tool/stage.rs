//! A directory with an engine in it, for the commands to look into.

use std::path::{Path, PathBuf};
use std::time::Duration;

use palimpsest::format::{BLOCK_LEN, ChecksumMarker, ChecksumSection};
use palimpsest::{
    Batch, Compression, Edit, Engine, Key, Lsn, Mode, Options, OsIo, TimelineId, Value, block_on,
};

/// The timeline of the directory.
pub const TIMELINE: TimelineId = TimelineId([0x11; 16]);

/// The keys that are written.
const KEY_COUNT: u32 = 20;

/// Fills a directory: images, records over them, a compaction and images in layers' files.
pub fn fill(root: &Path) {
    let options = Options {
        l0_count_trigger: 2,
        image_delta_count_trigger: 1,
        image_compression: Compression::None,
        layer_len_target: 16 << 10,
        gc_distance: 20,
        gc_age: Duration::ZERO,
        ..Options::default()
    };
    let done = block_on(async {
        let engine = Engine::open(OsIo::new(), root, options).await?;
        let timeline = engine.create_timeline(TIMELINE, Lsn(0)).await?;
        let mut writer = timeline.writer()?;
        for round in 0..4_u64 {
            let mut batch = Batch::new();
            for key in 0..KEY_COUNT {
                let value = match round {
                    0 => Value::Image(vec![key as u8; 600]),
                    _ => {
                        let suffix = vec![round as u8; 90];
                        Value::Record(Edit::Append { suffix }.into_record())
                    }
                };
                let lsn = Lsn(10 + round * 30 + u64::from(key));
                batch.push(Key::MIN.add(key), lsn, &value)?;
            }
            writer.put_batch(&batch).await?;
            timeline.flush().await?;
        }
        timeline.compact(Mode::Forced).await?;
        drop(writer);
        engine.shutdown().await
    });
    done.unwrap();
}

/// The files of the layers of the timeline, in the order of their names.
pub fn layers(root: &Path) -> Vec<PathBuf> {
    let dir = root.join(TIMELINE.to_string());
    let paths = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut layers: Vec<PathBuf> = paths
        .filter(|path| path.to_string_lossy().contains("__"))
        .collect();
    layers.sort();
    layers
}

/// A layer's file with another timeline in its block 0, and checksums that fit.
pub fn rewritten(path: &Path) -> Vec<u8> {
    let mut file = std::fs::read(path).unwrap();
    file[20] ^= 0xFF;
    let marker = ChecksumMarker::decode(&file[..BLOCK_LEN]).unwrap().unwrap();
    file.truncate(marker.block_count as usize * BLOCK_LEN);
    let mut section = ChecksumSection::new();
    file.chunks_exact(BLOCK_LEN)
        .for_each(|block| section.push_block(block));
    file.extend_from_slice(&section.encode());
    file
}
