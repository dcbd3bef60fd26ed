//! Creating, opening, closing and deleting timelines, and locking directories.

use std::time::Duration;

use palimpsest::base::Generation;
use palimpsest::format::Index;
use palimpsest::{Engine, Error, Lsn, Options, OsIo, TenantId, TimelineId, block_on};

use crate::script::{TIMELINE, check, names};
use crate::words::key;

#[test]
fn a_timeline_has_one_writer() {
    check(
        "create 10; claim; claim; put a@20=x; drop writer; claim; put a@30=y; get a@30",
        "claim: busy; a@30 = y",
    );
}

#[test]
fn a_directory_has_one_engine() {
    check(
        "create 10; engine; drop; engine; open; engine; drop engine; engine
         drop timeline; engine",
        "engine: busy; engine: busy; engine: busy",
    );
}

/// A late removal of a layer must not hit another engine's files.
#[test]
fn a_removal_in_flight_keeps_the_directory_locked() {
    check(
        "create 10; put a@20=x; flush; put a@30=y; flush; late replace; compact forced; files
         drop; engine",
        "delta:11..21/1 delta:21..31/1 delta:a..b@11..31/1 index; engine: busy",
    );
}

/// A writer that is alive can write, so it holds the lock too.
#[test]
fn a_writer_that_is_alive_keeps_the_directory_locked() {
    check(
        "create 10; claim; drop engine; drop timeline; engine; drop writer; engine",
        "engine: busy",
    );
}

#[test]
fn a_timeline_that_exists_is_not_created_and_one_that_does_not_is_not_opened() {
    check(
        "open; timelines; create 10; create 10; drop; create 10; timelines",
        "open: refused; timelines 0; create: refused; create: refused; timelines 1",
    );
}

#[test]
fn an_open_timeline_is_opened_once() {
    check(
        "create 10; put a@20=x; open; generation; get a@20; put a@30+y; get a@30",
        "generation 1; a@20 = x; a@30 = xy",
    );
}

#[test]
fn each_open_is_a_generation_and_names_what_it_writes() {
    check(
        "create 10; generation; put a@20=x; flush
         drop; open; generation; put a@30+y; flush
         drop; open; generation; put a@40+z; flush; files
         drop; open; generation; get a@20 a@30 a@40",
        "generation 1; generation 2; generation 3
         delta:11..21/1 delta:21..31/2 delta:31..41/3 index
         generation 4; a@20 = x, a@30 = xy, a@40 = xyz",
    );
}

#[test]
fn a_timeline_that_was_shut_down_refuses_everything() {
    check(
        "create 10; put a@20=x; shutdown
         get a@20; put a@30=y; freeze; flush; claim; layers
         open; get a@20; claim; put a@30=y; get a@30",
        "a@20: closed; put: closed; freeze: closed; flush: closed; claim: closed; no layer
         a@20 = x; a@30 = y",
    );
}

#[test]
fn a_shutdown_flushes_and_leaves_no_file_of_an_open_layer() {
    check(
        "create 10; put a@20=x*70000; put a@30+y; files; shutdown; files; drop
         open; get a@30; lsns; files",
        "ephemeral/1._ index; delta:11..31/1 index
         a@30 = x*70000y; last 30, durable 30; delta:11..31/1 index",
    );
}

#[test]
fn an_open_timeline_is_not_deleted() {
    check(
        "create 10; put a@20=x; delete; get a@20; shutdown; delete; timelines; open",
        "delete: busy; a@20 = x; timelines 0; open: refused",
    );
}

/// The generations continue: removals of the old files may be in flight, and must not hit new files
/// of the same names.
#[test]
fn a_deleted_timeline_is_gone_and_its_name_is_free() {
    check(
        "create 10; put a@20=x; shutdown; delete; delete
         create 5; generation; lsns; get a@5; put a@20=new; flush; files; drop; open; get a@20",
        "delete: refused; generation 3; last 5, durable 5; a@5 none
         delta:6..21/3 index; a@20 = new",
    );
}

#[test]
fn a_timeline_that_was_not_opened_in_this_life_can_be_deleted() {
    check(
        "create 10; put a@20=x; flush; drop; delete; timelines; drop; timelines",
        "timelines 0; timelines 0",
    );
}

#[test]
fn a_deletion_leaves_foreign_files() {
    check(
        "create 10; leave notes.txt; put a@20=x; shutdown; delete; files; drop; timelines; files
         create 5; lsns; files",
        "notes.txt; timelines 0; notes.txt; last 5, durable 5; index notes.txt",
    );
}

/// The options of another tenant.
fn other_tenant() -> Options {
    Options {
        tenant: TenantId([1; 16]),
        ..Options::default()
    }
}

#[test]
fn another_tenants_timeline_is_refused() {
    let root = tempfile::tempdir().expect("a directory");
    block_on(async {
        let engine = Engine::open(OsIo::new(), root.path(), Options::default()).await;
        let engine = engine.unwrap();
        engine.create_timeline(TIMELINE, Lsn(10)).await.unwrap();
        engine.shutdown().await.unwrap();
        drop(engine);
        let engine = Engine::open(OsIo::new(), root.path(), other_tenant()).await;
        let engine = engine.unwrap();
        for refused in [
            engine.open_timeline(TIMELINE).await.err(),
            engine.delete_timeline(TIMELINE).await.err(),
        ] {
            assert!(
                matches!(refused, Some(Error::Refused { .. })),
                "{refused:?}"
            );
        }
        assert_eq!(engine.timelines().await.unwrap(), [TIMELINE]);
    });
}

/// Four waiting L0s stopped the fifth batch, and ten made a compaction due: it waited for ever.
#[test]
fn options_with_which_a_call_would_wait_for_ever_are_refused() {
    let root = tempfile::tempdir().expect("a directory");
    let stall = |l0_stall_count| Options {
        l0_stall_count: Some(l0_stall_count),
        ..Options::default()
    };
    let period = Options {
        maintenance_period: Some(Duration::ZERO),
        ..Options::default()
    };
    let batches = Options {
        scan_key_count_max: 0,
        ..Options::default()
    };
    for (options, why) in [
        (
            stall(4),
            "l0_stall_count is 4, below l0_count_trigger: write at least 10",
        ),
        (
            stall(9),
            "l0_stall_count is 9, below l0_count_trigger: write at least 10",
        ),
        (
            period,
            "the option maintenance_period is too short: write 1 ms at least, or none",
        ),
        (
            batches,
            "the option scan_key_count_max is 0: write at least 1",
        ),
    ] {
        let opened = block_on(Engine::open(OsIo::new(), root.path(), options));
        let Some(Error::Refused { why: found }) = opened.err() else {
            panic!("taken, although {why}");
        };
        assert_eq!(found, why);
    }
    assert!(names(root.path()).is_empty(), "nothing was touched");
    let opened = block_on(Engine::open(OsIo::new(), root.path(), stall(10)));
    assert!(opened.is_ok());
}

/// What has no index cannot be opened: a creation that failed leaves an empty directory.
#[test]
fn a_list_names_what_can_be_opened() {
    let root = tempfile::tempdir().expect("a directory");
    let left = TimelineId([9; 16]);
    block_on(async {
        let engine = Engine::open(OsIo::new(), root.path(), Options::default()).await;
        let engine = engine.unwrap();
        engine.create_timeline(TIMELINE, Lsn(0)).await.unwrap();
        std::fs::create_dir(root.path().join(left.to_string())).expect("a directory");
        assert_eq!(engine.timelines().await.unwrap(), [TIMELINE]);
        let opened = engine.open_timeline(left).await;
        assert!(matches!(opened.err(), Some(Error::Refused { .. })));
    });
}

#[test]
fn timelines_do_not_see_each_other() {
    let root = tempfile::tempdir().expect("a directory");
    let others = [TimelineId([3; 16]), TimelineId([2; 16])];
    block_on(async {
        let engine = Engine::open(OsIo::new(), root.path(), Options::default()).await;
        let engine = engine.unwrap();
        for (timeline, start) in others.into_iter().zip([20, 30]) {
            engine.create_timeline(timeline, Lsn(start)).await.unwrap();
        }
        assert_eq!(engine.timelines().await.unwrap(), [others[1], others[0]]);
        engine.shutdown_timeline(others[0]).await.unwrap();
        let twice = engine.shutdown_timeline(others[0]).await;
        assert!(matches!(twice, Err(Error::Refused { .. })), "{twice:?}");
        let open = engine.open_timeline(others[1]).await.unwrap();
        assert_eq!((open.id(), open.last_record_lsn()), (others[1], Lsn(30)));
        engine.delete_timeline(others[0]).await.unwrap();
        assert_eq!(engine.timelines().await.unwrap(), [others[1]]);
    });
    let expected = [&others[1].to_string(), "lock", "reserve"];
    assert_eq!(names(root.path()), expected);
}

#[test]
fn an_engine_creates_its_directory_but_not_the_parent() {
    let root = tempfile::tempdir().expect("a directory");
    let open = |path: &str| {
        let path = root.path().join(path);
        block_on(Engine::open(OsIo::new(), &path, Options::default())).err()
    };
    assert!(open("new").is_none());
    assert_eq!(names(root.path()), ["new"]);
    let refused = open("none/new");
    assert!(matches!(refused, Some(Error::Io(_))), "{refused:?}");
}

/// History below the cutoff may be gone in part, so that every read there is refused.
#[test]
fn a_read_below_the_cutoff_is_refused() {
    let root = tempfile::tempdir().expect("a directory");
    let path = root.path().join(TIMELINE.to_string()).join("index");
    block_on(async {
        let open = || Engine::open(OsIo::new(), root.path(), Options::default());
        open()
            .await
            .unwrap()
            .create_timeline(TIMELINE, Lsn(20))
            .await
            .unwrap();
        let mut index = Index::decode(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(index.generation, Generation(1));
        index.gc_cutoff = Lsn(15);
        std::fs::write(&path, index.encode()).unwrap();
        let engine = open().await.unwrap();
        let timeline = engine.open_timeline(TIMELINE).await.unwrap();
        assert_eq!(timeline.gc_cutoff(), Lsn(15));
        let refused = timeline.get(key("a"), Lsn(14)).await;
        assert!(
            matches!(refused, Err(Error::BelowCutoff { .. })),
            "{refused:?}"
        );
        assert_eq!(timeline.get(key("a"), Lsn(15)).await.unwrap(), None);
    });
}
