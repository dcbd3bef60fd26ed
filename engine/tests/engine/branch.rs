//! Branches.

use std::time::Duration;

use palimpsest::timeline::Mode;
use palimpsest::{Batch, Engine, Error, Lsn, Options, OsIo, Timeline, TimelineId, Value, block_on};

use crate::script::{Stage, TIMELINE, check, check_with, keep};
use crate::words::key;

#[test]
fn a_branch_reads_its_ancestor_up_to_its_lsn() {
    check(
        "create 10; put a@20=1 b@20=9; put a@30+2; branch b at 20; lsns; layers
         get a@19 a@20 a@21; put a@25+b; get a@20 a@25; on main; put a@40+3
         get a@25 a@30 a@40; on b; put c@60=c; get a@60 b@60 c@60; visits a@60; many a b c@60
         scan MIN..MAX@25; on main; get c@40",
        "last 20, durable 20; no layer; a@19 none, a@20 = 1, a@21: not yet
         a@20 = 1, a@25 = 1b; a@25 = 1, a@30 = 12, a@40 = 123
         a@60 = 1b, b@60 = 9, c@60 = c; memory 21.., delta 11..31
         a@60 = 1b, b@60 = 9, c@60 = c; a@25 = 1b, b@25 = 9; c@40 none",
    );
}

#[test]
fn a_branch_may_stand_at_any_lsn_of_its_ancestors_past() {
    check(
        "create 10; put a@20=1; flush; put a@30+2; flush; put a@40+3; flush; compact forced
         images forced; branch o at 10; get a@10; on main; branch b at 20; get a@20; on main
         branch c at 35; get a@35 a@20; put a@36+c; get a@36; on main; branch d at 40; get a@40",
        "a@10 none; a@20 = 1; a@35 = 12, a@20 = 1; a@36 = 12c; a@40 = 123",
    );
}

#[test]
fn branches_may_stand_several_deep() {
    check(
        "create 10; put a@20=1; put a@30+2; branch b at 20; put a@30+b; branch c at 30
         put a@40+c; branch d at 35; put a@40+d
         get a@20 a@35 a@40; on c; get a@30 a@40; on b; get a@30; on main; get a@30
         shutdown; drop; on d; open; get a@35; on c; open; get a@30 a@40; timelines",
        "a@20 = 1, a@35 = 1b, a@40 = 1bd; a@30 = 1b, a@40 = 1bc; a@30 = 1b; a@30 = 12
         a@35 = 1b; a@30 = 1b, a@40 = 1bc; timelines 4",
    );
}

#[test]
fn a_branch_that_was_acknowledged_is_there_after_a_kill() {
    check(
        "create 10; put a@20=1; branch b at 20; put a@30+lost; kill; open; lsns; get a@20 a@30
         ; put a@40+2; flush; kill; open; get a@40; on main; open; lsns; get a@20",
        "last 20, durable 20; a@20 = 1, a@30: not yet; a@40 = 12; last 20, durable 20; a@20 = 1",
    );
}

#[test]
fn an_open_branch_keeps_its_parent_open() {
    let mut stage = Stage::new(Options::default());
    stage.play_all("create 10; put a@20=1");
    let main = stage.timeline().clone();
    stage.play_all("branch b at 20");
    assert!(matches!(block_on(main.shutdown()), Err(Error::Busy { .. })));
    assert_eq!(stage.play_all("get a@20"), ["a@20 = 1"]);
    block_on(stage.timeline().shutdown()).unwrap();
    block_on(main.shutdown()).unwrap();
    assert_eq!(
        stage.play_all("on main; branch c at 20"),
        ["branch: closed"]
    );
}

#[test]
fn a_branch_is_refused_where_its_ancestor_cannot_be_read() {
    check_with(
        keep(5),
        "create 10; put a@20=1; flush; gc; branch b at 21; branch b at 14; timelines; branch b at 15
         on main; branch b at 20; timelines",
        "cutoff 15, 0 gone; branch: not yet; branch: below the cutoff; timelines 1
         branch: refused; timelines 2",
    );
    check("branch b at 10; timelines; create 10; branch b at 10", {
        "branch: refused; timelines 0"
    });
}

#[test]
fn a_timeline_with_branches_is_not_deleted_and_stays_open() {
    check(
        "create 10; put a@20=1; branch b at 20; shutdown main; delete main; shutdown b
         shutdown main; delete main; open b; get a@20; shutdown b; shutdown main
         delete b; delete main; timelines",
        "shutdown: busy; delete: busy; delete: refused; a@20 = 1; timelines 0",
    );
}

#[test]
fn images_of_a_branch_hide_its_ancestor() {
    check(
        "create 10; put a@20=1 b@20=2; branch b at 20; images forced; layers; visits a@20
         put a@30+3; flush; images forced; layers; get a@20 a@30 b@30 c@30; visits a@30",
        "image all@20; image all@20; image all@20, delta 21..31, image all@30
         a@20 = 1, a@30 = 13, b@30 = 2, c@30 none; image all@30",
    );
}

#[test]
fn a_compaction_of_a_branch_takes_nothing_of_its_ancestor() {
    check(
        "create 10; put a@20=1 b@20=2; branch b at 20; put a@30+3; flush; put a@40+4; flush
         compact forced; layers; get a@20 a@40 b@40; visits a@40; visits b@40; on main; layers",
        "delta a..b@21..41; a@20 = 1, a@40 = 134, b@40 = 2
         delta a..b@21..41, delta 11..21; delta 11..21; delta 11..21",
    );
}

#[test]
fn gc_keeps_what_a_branch_needs_until_the_branch_is_deleted() {
    check_with(
        keep(0),
        "create 10; put a@20=1; flush; branch b at 20; on main; put a@30=2; flush; images forced
         gc; layers; get a@19 a@20 a@21 a@30; on b; get a@20; shutdown b; on main; gc; get a@20
         delete b; gc; layers; files; get a@20 a@30",
        "cutoff 30, 1 gone; delta 11..21, image all@30
         a@19: below the cutoff, a@20 = 1, a@21: below the cutoff, a@30 = 2; a@20 = 1
         cutoff 30, 0 gone; a@20 = 1
         cutoff 30, 1 gone; image all@30; image:all@30/1 index
         a@20: below the cutoff, a@30 = 2",
    );
}

#[test]
fn gc_keeps_what_a_closed_branch_needs() {
    check_with(
        keep(0),
        "create 10; put a@20=1; flush; branch b at 20; on main; put a@30=2; flush; images forced
         drop; open; gc; layers; open b; get a@20",
        "cutoff 30, 1 gone; delta 11..21, image all@30; a@20 = 1",
    );
}

/// What is below its branch point is the ancestor's: a branch there stands on that.
#[test]
fn a_branch_below_its_ancestors_own_point_is_refused() {
    check(
        "create 10; put a@20=1; put a@30+2; branch b at 30; put a@40+b; branch c at 29
         timelines; branch c at 30; get a@30",
        "branch: refused; timelines 2; a@30 = 12",
    );
}

/// Below its start a root has no history, and no branch could keep any: while its first record is
/// in memory, once it is in layers, and after a restart.
#[test]
fn a_branch_below_the_start_of_a_root_is_refused() {
    check(
        "create 10; branch b at 9; put a@20=1; branch c at 9; flush; put a@30=2; flush
         compact forced; branch d at 9; shutdown; open; branch e at 9; branch f at 10; timelines",
        "branch: refused; branch: refused; branch: refused; branch: refused; timelines 2",
    );
}

/// A branch of a branch reads the root at its parent's branch point, not at its own.
#[test]
fn gc_keeps_what_a_branch_of_a_branch_needs() {
    check_with(
        keep(0),
        "create 10; put a@20=1; flush; put a@30+2; flush; branch b at 20; put a@30+b; flush
         branch c at 30; on main; put a@40=3; flush; images forced; gc; layers; on c; get a@30
         on b; put a@50=4; flush; images forced; gc; get a@30 a@49 a@50; on c; get a@30",
        "cutoff 40, 2 gone; delta 11..21, image all@40; a@30 = 1b; cutoff 50, 1 gone
         a@30 = 1b, a@49: below the cutoff, a@50 = 4; a@30 = 1b",
    );
}

/// The LSN is below the cutoff and retained for another branch: so one more can be created there.
#[test]
fn a_branch_may_share_the_branch_point_of_another() {
    check_with(
        keep(0),
        "create 10; put a@20=1; flush; branch b at 20; on main; put a@30=2; flush; images forced
         gc; branch c at 20; get a@20; shutdown b; delete b; on main; gc; on c; get a@20",
        "cutoff 30, 1 gone; a@20 = 1; cutoff 30, 0 gone; a@20 = 1",
    );
}

#[test]
fn a_gc_of_an_ancestor_waits_for_no_reader_of_a_branch() {
    check_with(
        keep(0),
        "create 10; put a@20=1; flush; branch b at 20; hold a..c@20; on main; put a@30=2; flush
         images forced; start gc; layers; next; release; end; layers",
        "gc ended; delta 11..21, image all@30; a@held = 1
         cutoff 30, 1 gone; delta 11..21, image all@30",
    );
}

/// Regression: a branch whose directory was away while its ancestor collected, as after a failed
/// mount, answered that there is no value where the value was collected. So did its ancestor.
#[test]
fn a_branch_that_comes_back_behind_a_collection_is_told_so() {
    let root = tempfile::tempdir().expect("a directory");
    let away = tempfile::tempdir().expect("a directory");
    let branch = TimelineId([0x52; 16]);
    let at = |dir: &tempfile::TempDir| dir.path().join(branch.to_string());
    let options = || Options {
        gc_distance: 0,
        gc_age: Duration::ZERO,
        ..Options::default()
    };
    let open = async || {
        let engine = Engine::open(OsIo::new(), root.path(), options()).await;
        engine.unwrap()
    };
    let put = async |timeline: &Timeline, lsn| {
        let mut batch = Batch::new();
        batch
            .push(key("a"), lsn, &Value::Image(vec![lsn.0 as u8]))
            .unwrap();
        timeline.writer().unwrap().put_batch(&batch).await.unwrap();
        timeline.flush().await.unwrap();
    };
    let collect = async |cutoff| {
        let engine = open().await;
        let timeline = engine.open_timeline(TIMELINE).await.unwrap();
        timeline.create_images(Mode::Forced).await.unwrap();
        assert_eq!(timeline.gc().await.unwrap().cutoff, Lsn(cutoff));
        engine.shutdown().await.unwrap();
    };
    let reads = async || {
        let engine = open().await;
        let on = engine.open_timeline(TIMELINE).await.unwrap();
        let branch = engine.open_timeline(branch).await.unwrap();
        let reads = [
            on.get(key("a"), Lsn(20)).await,
            branch.get(key("a"), Lsn(20)).await,
        ];
        engine.shutdown().await.unwrap();
        reads.map(|read| read.map_err(|error| error.to_string()))
    };
    block_on(async {
        let engine = open().await;
        let timeline = engine.create_timeline(TIMELINE, Lsn(10)).await.unwrap();
        put(&timeline, Lsn(20)).await;
        engine
            .branch_timeline(branch, TIMELINE, Lsn(20))
            .await
            .unwrap();
        put(&timeline, Lsn(30)).await;
        engine.shutdown().await.unwrap();
        drop((timeline, engine));
        collect(30).await;
        assert_eq!(reads().await, [Ok(Some(vec![20])), Ok(Some(vec![20]))]);
        std::fs::rename(at(&root), at(&away)).unwrap();
        collect(30).await;
        std::fs::rename(at(&away), at(&root)).unwrap();
        for _ in 0..2 {
            for read in reads().await {
                let error = read.unwrap_err();
                assert!(error.contains("0/14"), "{error}");
            }
            collect(30).await;
        }
    });
}

#[test]
fn a_long_chain_of_branches_is_dropped_on_a_small_stack() {
    let dir = tempfile::tempdir().unwrap();
    let io = OsIo::new();
    let id = |level: u128| TimelineId(level.to_be_bytes());
    let deepest = block_on(async {
        let engine = Engine::open(io, dir.path(), Options::default())
            .await
            .unwrap();
        let mut above = engine.create_timeline(id(1), Lsn(10)).await.unwrap();
        for level in 2..400 {
            let branch = engine.branch_timeline(id(level), above.id(), Lsn(10)).await;
            above = branch.unwrap();
        }
        assert_eq!(above.get(key("a"), Lsn(10)).await.unwrap(), None);
        above
    });
    assert_eq!(deepest.depth(), 398);
    // The engine is gone, so this drops the whole chain.
    let builder = std::thread::Builder::new().stack_size(16 << 10);
    let dropping = builder.spawn(move || drop(deepest)).unwrap();
    dropping.join().unwrap();
}
