//! Image creation: when it is due, what it says of itself, and how it goes on.

use std::thread::sleep;
use std::time::Duration;

use palimpsest::base::KeySpace;
use palimpsest::{Mode, Options, Progress, SparseKeys, block_on};

use crate::script::{Stage, keep};
use crate::words::{keys, range};

/// Makes images, and tells how that ended, where they are, and what was left out.
fn images(stage: &Stage, mode: Mode) -> String {
    let imaged = block_on(stage.timeline().create_images(mode)).unwrap();
    let written = imaged.written.iter().map(|name| range(name.keys()));
    let left_out = imaged.left_out.iter();
    let left_out = left_out.map(|(keys, why)| format!("{} {why}", range(*keys)));
    let told: Vec<String> = written.chain(left_out).collect();
    format!("{}: {}", imaged.progress, told.join(", "))
}

fn stage(options: Options, script: &str) -> Stage {
    let mut stage = Stage::new(options);
    assert_eq!(stage.play_all(script), Vec::<String>::new());
    stage
}

#[test]
fn an_image_creation_says_what_it_left_out_and_why() {
    let space = |range: &str| KeySpace::from_ranges([keys(range)]);
    let options = Options {
        sparse_keys: SparseKeys::new(space("p..t"), KeySpace::new()),
        ..keep(0)
    };
    let mut stage = stage(options, "create 8; put a@10=1 b@10+2 p@10=; flush");
    let (forced, by_need) = (Mode::Forced, Mode::ByNeed);
    assert_eq!(
        images(&stage, by_need),
        "idle: MIN..p not due, p..t not due, t..MAX not due"
    );
    assert_eq!(
        images(&stage, forced),
        "done: MIN..b, c..p, t..MAX, b..c cannot be replayed, p..t sparse, without a value"
    );
    assert_eq!(
        images(&stage, forced),
        "idle: MIN..b has an image, b..c cannot be replayed, c..p has an image, \
         p..t sparse, without a value, t..MAX has an image"
    );
    stage.play_all("put p@20=1; flush");
    assert_eq!(
        images(&stage, forced),
        "done: MIN..b, c..p, p..t, t..MAX, b..c cannot be replayed"
    );
}

/// Other keys are declared when the run goes on: it begins where the one before has stopped.
#[test]
fn a_run_that_goes_on_leaves_no_hole() {
    let options = Options {
        image_preempt_l0_count: 1,
        layer_len_target: 1,
        scan_key_count_max: 1,
        ..keep(0)
    };
    let script = "create 8; declare a..d; put a@10=1 b@10=2 c@10=3 z@10=4; flush";
    let mut stage = stage(options, script);
    assert_eq!(
        images(&stage, Mode::Forced),
        "preempted: MIN..b, b..MAX L0s wait"
    );
    assert_eq!(
        stage.play_all("declare e..g; compact forced"),
        Vec::<String>::new()
    );
    assert_eq!(
        images(&stage, Mode::Forced),
        "done: b..c, c..z, z..MAX, MIN..b done before"
    );
}

#[test]
fn a_part_is_due_once_enough_deltas_stand_above_its_image() {
    let options = Options {
        image_delta_count_trigger: 2,
        ..keep(0)
    };
    let mut stage = stage(options, "create 8; put a@10=1; flush; compact forced");
    assert_eq!(images(&stage, Mode::ByNeed), "idle: all not due");
    stage.play_all("put a@20=2; flush; compact forced");
    assert_eq!(images(&stage, Mode::ByNeed), "done: all");
}

/// A scan of sparse keys looks into every delta, L0s and those of other keys of the range too.
#[test]
fn sparse_keys_are_due_by_the_layers_that_a_scan_looks_into() {
    let space = KeySpace::from_ranges([keys("p..t")]);
    let options = Options {
        sparse_keys: SparseKeys::new(space, KeySpace::new()),
        sparse_image_delta_count_trigger: 3,
        ..keep(0)
    };
    let mut stage = stage(options, "create 8; put p@10=1; flush; compact forced");
    stage.play_all("put q@20=1; flush; compact forced");
    assert_eq!(
        images(&stage, Mode::ByNeed),
        "idle: MIN..p not due, p..t not due, t..MAX not due"
    );
    stage.play_all("put a@30=1; flush");
    assert_eq!(
        images(&stage, Mode::ByNeed),
        "done: p..t, MIN..p not due, t..MAX not due"
    );
}

#[test]
fn it_looks_again_after_a_distance_or_a_time() {
    let options = Options {
        image_delta_count_trigger: 1,
        image_look_distance: 20,
        image_look_age: Duration::from_secs(3600),
        ..keep(0)
    };
    let mut stage = stage(
        options.clone(),
        "create 8; put a@10=1; flush; compact forced",
    );
    assert_eq!(images(&stage, Mode::ByNeed), "done: all");
    stage.play_all("put a@29=2; flush; compact forced");
    assert_eq!(images(&stage, Mode::ByNeed), "idle: all not due");
    stage.play_all("put a@30=2; flush; compact forced");
    assert_eq!(images(&stage, Mode::ByNeed), "done: all");
    let options = Options {
        image_look_age: Duration::ZERO,
        ..options
    };
    let mut stage = self::stage(options, "create 8; put a@10=1; flush; compact forced");
    assert_eq!(images(&stage, Mode::ByNeed), "done: all");
    stage.play_all("put a@11=2; flush; compact forced");
    assert_eq!(images(&stage, Mode::ByNeed), "done: all");
}

/// A run that was stopped does not wait for the next look.
#[test]
fn a_run_that_goes_on_looks_at_once() {
    let options = Options {
        image_delta_count_trigger: 1,
        image_look_distance: 1000,
        image_preempt_l0_count: 1,
        layer_len_target: 1,
        scan_key_count_max: 1,
        ..keep(0)
    };
    let script =
        "create 8; declare a..c; put a@10=1 c@10=3; flush; compact forced; put b@20=1; flush";
    let mut stage = stage(options, script);
    assert_eq!(
        images(&stage, Mode::ByNeed),
        "preempted: MIN..b, b..MAX L0s wait"
    );
    stage.play_all("compact forced");
    let imaged = block_on(stage.timeline().create_images(Mode::ByNeed)).unwrap();
    assert_eq!(imaged.progress, Progress::Done);
}

#[test]
fn an_image_is_due_by_its_age() {
    /// Longer than a flush and a compaction take on a slow disk.
    const AGE: Duration = Duration::from_secs(1);
    let options = Options {
        image_age_max: Some(AGE),
        ..keep(0)
    };
    let mut stage = stage(
        options,
        "create 8; put a@10=1; flush; compact forced; images forced",
    );
    sleep(AGE + AGE / 10);
    assert_eq!(images(&stage, Mode::ByNeed), "idle: all not due");
    stage.play_all("put a@20=2; flush; compact forced");
    assert_eq!(images(&stage, Mode::ByNeed), "idle: all not due");
    sleep(AGE + AGE / 10);
    stage.play_all("put a@30=2");
    sleep(AGE + AGE / 10);
    assert_eq!(images(&stage, Mode::ByNeed), "done: all");
}
