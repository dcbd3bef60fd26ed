//! What a plan is about, and which moves it makes.

use palimpsest::io::Job;

use super::swarm::PlanScale;
use crate::dice::Chance;

/// What a plan is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Writes, flushes and recovery.
    Writes,
    /// L0s and their compaction.
    Compaction,
    /// Images.
    Images,
    /// Branches and garbage collection.
    Branches,
    /// Gc compaction: the history below the cutoff.
    History,
    /// Splits, and what they leave.
    Shards,
    /// Creation and deletion of timelines.
    Timelines,
    /// Everything.
    Mixed,
}

/// One operation, or several that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Write a batch.
    Put,
    /// Write batches that share an LSN.
    PutAtOneLsn,
    /// Read a value.
    Get,
    /// Read a value of an older LSN.
    GetOld,
    /// Read several values.
    GetMany,
    /// Read all values.
    Scan,
    /// Close the open layer.
    Freeze,
    /// Make everything durable.
    Flush,
    /// Flush while more is written and read.
    FlushBeside,
    /// Begin a flush and cancel it; perhaps retry, perhaps crash.
    FlushDropped,
    /// Flush and crash at once, or before the flush is done.
    FlushThenCrash,
    /// Leave several operations running.
    ManyInFlight,
    /// Wait for all operations in flight.
    Join,
    /// Advance the clock.
    Wait,
    /// Shut the engine down and open it again.
    Restart,
    /// Crash.
    Crash,
    /// Crash, and crash again soon after the opening.
    CrashTwice,
    /// Create a second timeline, or delete it.
    Second,
    /// Create a timeline or a branch, write to it, and delete it soon.
    ShortLife,
    /// Delete a timeline and write to another one of its label.
    CreateAgain,
    /// Compact.
    Compact,
    /// Make a compaction due, and compact.
    CompactStack,
    /// Compact while more is written and read.
    CompactBeside,
    /// Run several jobs at once, each of which writes an index.
    JobsBeside,
    /// Begin a compaction and cancel it, then compact.
    CompactDropped,
    /// Fill one key with records, and compact.
    CompactFatKey,
    /// Compact by another strategy from now on.
    Strategy,
    /// Compact by tiers until several levels are there.
    CompactTiers,
    /// Create images.
    Images,
    /// Create images and compact around them.
    ImagesUnder,
    /// Create images while more is written and read.
    ImagesBeside,
    /// Begin an image creation and cancel it, then create images.
    ImagesDropped,
    /// Create images where many L0s preempt it.
    ImagesPreempted,
    /// Create images, and collect the history at their LSN before they are done.
    ImagesOvertaken,
    /// Declare which keys there are.
    Declare,
    /// Branch a timeline.
    Branch,
    /// Create branches on top of each other.
    BranchDeep,
    /// Delete a timeline, or try to.
    DeleteBranch,
    /// Collect garbage.
    Gc,
    /// Collect garbage, and read around the cutoff.
    GcThenReads,
    /// Collect garbage while readers are registered.
    GcBesideReads,
    /// Collect garbage while a branch is created.
    GcBesideBranch,
    /// Begin a collection and cancel it, then collect garbage.
    GcDropped,
    /// Collect garbage and crash.
    GcThenCrash,
    /// Collect the layers between those that a branch needs and the newest ones.
    GcGap,
    /// Reduce history.
    GcCompact,
    /// Collect garbage, reduce history, twice, and read around the cutoff.
    GcCompactThenReads,
    /// Reduce history while more is written and read.
    GcCompactBeside,
    /// Begin a gc compaction and cancel it, then reduce history.
    GcCompactDropped,
    /// Reduce the history of one key that has many records.
    GcCompactFatKey,
    /// Reduce history between two branch points, and on the branch.
    GcCompactBranch,
    /// Reduce all history in sub-jobs, interrupt them, and go on.
    GcCompactAll,
    /// Delete sparse keys under images, and take the records away that say so.
    DeleteUnderImages,
    /// Keep more or less history from now on, and collect.
    Policy,
    /// Lease an LSN.
    Lease,
    /// Lease an LSN, and collect the history around it.
    LeaseUnderGc,
    /// Split the directory.
    Split,
    /// Split the directory, and run jobs on what it has left.
    SplitThenJobs,
    /// Split the directory, and crash.
    SplitThenCrash,
    /// Go on with another shard.
    Switch,
    /// Shed what a split has left.
    Shed,
    /// Set the clock.
    Clock,
    /// Shut a timeline down while operations run on it.
    Shutdown,
    /// Give up a creation or a deletion, and do something else.
    GiveUp,
    /// Begin a scan that outlives its line, or go on with one.
    Hold,
    /// Hold a scan across what takes its layers or its timeline away.
    HoldAcross,
}

const WRITES: [(u64, Move); 24] = [
    (60, Move::Put),
    (8, Move::PutAtOneLsn),
    (12, Move::Get),
    (6, Move::GetOld),
    (6, Move::GetMany),
    (8, Move::Scan),
    (10, Move::Freeze),
    (20, Move::Flush),
    (14, Move::FlushBeside),
    (12, Move::FlushDropped),
    (4, Move::FlushThenCrash),
    (6, Move::ManyInFlight),
    (6, Move::Join),
    (6, Move::Wait),
    (3, Move::Restart),
    (1, Move::Crash),
    (1, Move::CrashTwice),
    (4, Move::Second),
    (1, Move::Compact),
    (1, Move::Gc),
    (2, Move::Clock),
    (3, Move::Shutdown),
    (3, Move::Hold),
    (2, Move::Lease),
];

/// Writes in a plan that is about something else, each with its weight.
const OTHERS: [(u64, Move); 18] = [
    (40, Move::Put),
    (3, Move::PutAtOneLsn),
    (4, Move::Get),
    (10, Move::GetOld),
    (6, Move::GetMany),
    (8, Move::Scan),
    (16, Move::Flush),
    (4, Move::FlushBeside),
    (4, Move::ManyInFlight),
    (4, Move::Join),
    (4, Move::Wait),
    (2, Move::Restart),
    (2, Move::Second),
    (1, Move::Clock),
    (3, Move::Shutdown),
    (4, Move::Hold),
    (4, Move::HoldAcross),
    (2, Move::Lease),
];

const COMPACTION: [(u64, Move); 10] = [
    (5, Move::Strategy),
    (14, Move::CompactTiers),
    (12, Move::Compact),
    (14, Move::CompactStack),
    (16, Move::CompactBeside),
    (12, Move::JobsBeside),
    (14, Move::CompactDropped),
    (8, Move::CompactFatKey),
    (4, Move::ImagesUnder),
    (3, Move::Gc),
];

const IMAGES: [(u64, Move); 11] = [
    (8, Move::DeleteUnderImages),
    (12, Move::Images),
    (14, Move::ImagesUnder),
    (12, Move::ImagesBeside),
    (6, Move::JobsBeside),
    (12, Move::ImagesDropped),
    (6, Move::ImagesPreempted),
    (6, Move::ImagesOvertaken),
    (4, Move::Declare),
    (4, Move::Compact),
    (4, Move::GcThenReads),
];

const BRANCHES: [(u64, Move); 19] = [
    (6, Move::Policy),
    (8, Move::DeleteUnderImages),
    (14, Move::Branch),
    (5, Move::BranchDeep),
    (12, Move::DeleteBranch),
    (10, Move::Gc),
    (10, Move::GcThenReads),
    (18, Move::GcBesideReads),
    (24, Move::GcBesideBranch),
    (4, Move::JobsBeside),
    (5, Move::GcDropped),
    (4, Move::GcThenCrash),
    (11, Move::GcGap),
    (4, Move::Lease),
    (16, Move::LeaseUnderGc),
    (18, Move::HoldAcross),
    (8, Move::GiveUp),
    (5, Move::Images),
    (4, Move::Compact),
];

const HISTORY: [(u64, Move); 13] = [
    (6, Move::Policy),
    (22, Move::DeleteUnderImages),
    (12, Move::GcCompact),
    (20, Move::GcCompactThenReads),
    (16, Move::GcCompactBeside),
    (12, Move::GcCompactDropped),
    (8, Move::GcCompactFatKey),
    (14, Move::GcCompactBranch),
    (18, Move::GcCompactAll),
    (6, Move::Gc),
    (6, Move::Compact),
    (6, Move::Images),
    (4, Move::DeleteBranch),
];

const SHARDS: [(u64, Move); 12] = [
    (6, Move::Split),
    (30, Move::SplitThenJobs),
    (16, Move::SplitThenCrash),
    (10, Move::Switch),
    (22, Move::Shed),
    (8, Move::Compact),
    (8, Move::Images),
    (8, Move::Gc),
    (6, Move::GcCompact),
    (4, Move::Branch),
    (2, Move::DeleteBranch),
    (2, Move::Lease),
];

const TIMELINES: [(u64, Move); 18] = [
    (50, Move::ShortLife),
    (16, Move::Put),
    (6, Move::Get),
    (4, Move::Scan),
    (12, Move::Flush),
    (4, Move::FlushDropped),
    (6, Move::Join),
    (10, Move::Second),
    (8, Move::CreateAgain),
    (12, Move::Branch),
    (12, Move::DeleteBranch),
    (6, Move::Gc),
    (4, Move::Crash),
    (6, Move::Restart),
    (8, Move::Shutdown),
    (20, Move::GiveUp),
    (2, Move::Hold),
    (10, Move::HoldAcross),
];

/// The moves of a large plan, each with its weight. A batch there is long, and its records must
/// survive long enough to fill a layer.
const LARGE: [(u64, Move); 14] = [
    (60, Move::Put),
    (10, Move::Get),
    (8, Move::GetOld),
    (3, Move::GetMany),
    (3, Move::Scan),
    (2, Move::Freeze),
    (5, Move::Flush),
    (6, Move::FlushBeside),
    (4, Move::FlushDropped),
    (10, Move::Wait),
    (2, Move::Restart),
    (4, Move::Compact),
    (3, Move::Images),
    (2, Move::Gc),
];

impl Theme {
    /// Draws a theme: those with jobs of their own more often than writes or a mix.
    pub fn draw(chance: &mut impl Chance) -> Theme {
        chance.pick_weighted(&[
            (1, Theme::Mixed),
            (1, Theme::Writes),
            (2, Theme::Compaction),
            (2, Theme::Images),
            (3, Theme::Branches),
            (3, Theme::History),
            (3, Theme::Shards),
            (3, Theme::Timelines),
        ])
    }

    /// The moves of a plan with this theme, each with its weight.
    pub fn moves(self, scale: PlanScale) -> Vec<(u64, Move)> {
        if scale == PlanScale::Large {
            return LARGE.to_vec();
        }
        match self {
            Theme::Writes => WRITES.to_vec(),
            Theme::Compaction => [OTHERS.as_slice(), &COMPACTION].concat(),
            Theme::Images => [OTHERS.as_slice(), &IMAGES].concat(),
            Theme::Branches => [OTHERS.as_slice(), &BRANCHES].concat(),
            Theme::History => [OTHERS.as_slice(), &HISTORY].concat(),
            Theme::Shards => [OTHERS.as_slice(), &SHARDS].concat(),
            Theme::Timelines => TIMELINES.to_vec(),
            Theme::Mixed => [
                WRITES.as_slice(),
                &COMPACTION,
                &IMAGES,
                &BRANCHES,
                &HISTORY,
                &SHARDS,
            ]
            .concat(),
        }
    }

    /// Whether plans with this theme are about this job.
    pub fn is_about(self, job: Job) -> bool {
        match self {
            Theme::Writes => matches!(job, Job::Put | Job::Freeze | Job::Flush),
            Theme::Compaction => job == Job::Compact,
            Theme::Images => job == Job::Image,
            Theme::Branches => matches!(
                job,
                Job::Gc | Job::Branch | Job::Lease | Job::Delete | Job::Drop
            ),
            Theme::History => job == Job::GcCompact,
            Theme::Shards => matches!(job, Job::Split | Job::Shed),
            Theme::Timelines => {
                matches!(job, Job::Create | Job::Branch | Job::Delete | Job::Open)
            }
            Theme::Mixed => false,
        }
    }
}
