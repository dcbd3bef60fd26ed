//! What the figures of a timeline say: the depth of reads, and what a collection would do.

use palimpsest::{Batch, Engine, Key, Lsn, Mode, Options, OsIo, TimelineId, Value, block_on};

use crate::script::{check, check_with, keep};

#[test]
fn a_read_is_as_deep_as_the_layers_above_the_newest_image() {
    check(
        "create 10; depths; put a@20=1; depths; flush; put a@30+2; flush; depths; images forced
         depths; put a@40+3; depths; flush; depths; get a@40; visits a@40",
        "depths all 0; depths all 1; depths all 2; depths all 1; depths all 2; depths all 2
         a@40 = 123; delta 31..41, image all@30",
    );
}

#[test]
fn a_branch_is_as_deep_as_its_ancestor_where_it_branched_off() {
    check(
        "create 10; put a@20=1; flush; put a@30+2; flush; branch b at 20; depths; put a@40+3
         depths; on main; branch c at 30; depths",
        "depths all 1; depths all 2; depths all 2",
    );
}

#[test]
fn a_collection_takes_what_was_forecast_and_says_why_the_rest_stays() {
    check_with(
        keep(0),
        "create 10; put a@20=1; flush; put a@30+2; flush; images forced; put a@40+3; flush
         forecast; gc; layers; forecast",
        "forecast 40: takes [11..21 21..31] keeps [all@30 (read) 31..41 (read)]
         cutoff 40, 2 gone; image all@30, delta 31..41
         forecast 40: takes [] keeps [all@30 (read) 31..41 (read)]",
    );
    check_with(
        keep(0),
        "create 10; put a@20=1; flush; images forced; put a@30+2; flush; images forced
         branch b at 20; on main; forecast; gc; layers",
        "forecast 30: takes [11..21 21..31] keeps [all@20 (retained 20) all@30 (read)]
         cutoff 30, 2 gone; image all@20, image all@30",
    );
}

/// The sums are those of the files and of what is in memory.
#[test]
fn layers_are_counted_with_their_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let done = block_on(async {
        let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
        let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
        let mut writer = timeline.writer()?;
        for lsn in [10, 20] {
            let mut batch = Batch::new();
            batch.push(Key::MIN, Lsn(lsn), &Value::Image(vec![7; 1000]))?;
            writer.put_batch(&batch).await?;
            let stats = timeline.stats();
            assert_eq!(stats.memory.count, 1);
            assert!(1000 < stats.memory.len);
            timeline.flush().await?;
        }
        timeline.create_images(Mode::Forced).await?;
        let stats = timeline.stats();
        let counts = (
            stats.memory.count,
            stats.l0s.count,
            stats.l1s.count,
            stats.images.count,
        );
        assert_eq!(counts, (0, 2, 0, 1));
        assert_eq!(stats.newest_images, stats.images);
        let files = timeline.layers();
        let len: u64 = files
            .files()
            .iter()
            .map(|(_, layer)| layer.entry().len)
            .sum();
        assert_eq!(stats.files_len(), len);
        engine.shutdown().await
    });
    done.unwrap();
}

#[test]
fn jobs_count_the_layers_and_entries_that_they_came_to() {
    check_with(
        keep(0),
        "create 10; put a@20=1 b@20=1; flush; counted; put a@30+2; flush; compact forced; counted",
        "flush: read 1, wrote 1, removed 0, visited 2, kept 2, discarded 0, produced 0
         flush: read 1, wrote 1, removed 0, visited 1, kept 1, discarded 0, produced 0 | \
         compact: read 2, wrote 1, removed 2, visited 3, kept 3, discarded 0, produced 0",
    );
    check_with(
        keep(0),
        "create 10; put a@20=1 b@20=1; flush; images forced; gc; counted
         shutdown; open; counted",
        "cutoff 20, 1 gone
         flush: read 1, wrote 1, removed 0, visited 2, kept 2, discarded 0, produced 0 | \
         image: read 0, wrote 1, removed 0, visited 0, kept 0, discarded 0, produced 2 | \
         gc: read 0, wrote 0, removed 1, visited 0, kept 0, discarded 0, produced 0
         nothing",
    );
}

/// Of `a` the records go and a value is made of them; the image of `b` stays.
#[test]
fn a_gc_compaction_counts_what_it_keeps_drops_and_makes() {
    check_with(
        keep(0),
        "create 10; put a@20=1; put a@30+2; put a@40+3; put b@40=1; flush; gc; gc-compact; counted",
        "cutoff 40, 0 gone; 1 replaced by image all@40
         flush: read 1, wrote 1, removed 0, visited 4, kept 4, discarded 0, produced 0 | \
         gc-compact: read 1, wrote 1, removed 1, visited 4, kept 1, discarded 3, produced 1",
    );
}

/// What is due is told before a job does it, and gone behind it.
#[test]
fn each_debt_is_told_until_its_job_has_paid_it() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        l0_count_trigger: 2,
        image_delta_count_trigger: 1,
        ..keep(0)
    };
    block_on(async {
        let engine = Engine::open(OsIo::new(), dir.path(), options).await?;
        let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
        let mut writer = timeline.writer()?;
        for lsn in [10, 20] {
            let mut batch = Batch::new();
            batch.push(Key::MIN, Lsn(lsn), &Value::Image(vec![7; 1000]))?;
            writer.put_batch(&batch).await?;
            if lsn == 10 {
                timeline.flush().await?;
            }
        }
        timeline.freeze().await?;
        let stats = timeline.stats();
        assert_eq!((stats.backlog, stats.debts.flush.count), (2, 1));
        assert_eq!(stats.last_record_lsn, Lsn(20));
        assert_eq!(stats.disk_consistent_lsn, Lsn(10));
        assert!(!stats.unsaved_age.is_zero());
        assert_eq!(stats.debts.compaction.count, 0);
        timeline.flush().await?;
        let stats = timeline.stats();
        assert_eq!(stats.debts.flush.count, 0);
        assert_eq!(stats.debts.compaction, stats.l0s);
        assert_eq!(stats.debts.image_part_count, 1);
        assert!(stats.unsaved_age.is_zero());
        timeline.compact(Mode::ByNeed).await?;
        timeline.create_images(Mode::ByNeed).await?;
        timeline.gc().await?;
        let debts = timeline.debts();
        assert_eq!((debts.compaction.count, debts.image_part_count), (0, 0));
        let stats = engine.stats();
        assert_eq!(stats.timeline_count, 1);
        assert_eq!((stats.l0s.count, stats.images.count), (0, 1));
        assert_eq!((stats.backlog_max, stats.open_len), (0, 0));
        assert!(stats.unsaved_age_max.is_zero());
        timeline.get(Key::MIN, Lsn(20)).await?;
        timeline.get(Key::MIN, Lsn(20)).await?;
        let read = engine.stats();
        assert!(0 < read.block_cache_len);
        assert!(stats.block_cache_hit_count < read.block_cache_hit_count);
        drop(writer);
        engine.shutdown().await
    })
    .unwrap();
}
