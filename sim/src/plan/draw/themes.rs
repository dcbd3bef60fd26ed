//! What a plan is about, and what is done in it.

use palimpsest::io::Job;

use super::swarm::PlanScale;
use crate::dice::Chance;

/// What a plan is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Writing, flushing and coming back.
    Writes,
    /// L0s and what is made of them.
    Compaction,
    /// Images.
    Images,
    /// Branches, and the collection of what nobody needs.
    Branches,
    /// Timelines that come and go.
    Timelines,
    /// Everything.
    Mixed,
}

/// One or more operations that belong together.
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
    /// Make it durable while more is written and read.
    FlushBeside,
    /// Begin to make it durable and let go; perhaps try again, perhaps crash.
    FlushDropped,
    /// Make it durable and crash at once, or before it is.
    FlushThenCrash,
    /// Leave several operations running.
    ManyInFlight,
    /// Wait for what runs.
    Join,
    /// Let time pass.
    Wait,
    /// Shut down and open.
    Restart,
    /// Crash.
    Crash,
    /// Crash, and again before much has happened.
    CrashTwice,
    /// Create a second timeline, or delete it.
    Second,
    /// Delete a timeline and write to another one of its name.
    CreateAgain,
    /// Compact.
    Compact,
    /// Make a compaction due, and compact.
    CompactStack,
    /// Compact while more is written and read.
    CompactBeside,
    /// Do several jobs at once, each of which writes an index.
    JobsBeside,
    /// Begin to compact and let go, and compact.
    CompactDropped,
    /// Fill a key with records, and compact.
    CompactFatKey,
    /// Create images.
    Images,
    /// Create images and compact about them.
    ImagesUnder,
    /// Create images while more is written and read.
    ImagesBeside,
    /// Begin to create images and let go, and create them.
    ImagesDropped,
    /// Create images with many L0s.
    ImagesPreempted,
    /// Create images, and collect what they were to stand at before they are done.
    ImagesOvertaken,
    /// Say which keys there are.
    Declare,
    /// Put a timeline on another.
    Branch,
    /// Put timelines on each other.
    BranchDeep,
    /// Delete a timeline, or try to.
    DeleteBranch,
    /// Collect garbage.
    Gc,
    /// Collect it, and read about the cutoff.
    GcThenReads,
    /// Collect it beside those who read.
    GcBesideReads,
    /// Collect it beside one who branches.
    GcBesideBranch,
    /// Begin to collect it and let go, and collect it.
    GcDropped,
    /// Collect it and crash.
    GcThenCrash,
    /// Collect what lies between what a branch needs and what is new.
    GcGap,
    /// Set the clock.
    Clock,
    /// Shut a timeline down beside what works on it.
    Shutdown,
}

const WRITES: [(u64, Move); 22] = [
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
];

/// What there is of writing in a plan that is about something else.
const OTHERS: [(u64, Move); 15] = [
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
];

const COMPACTION: [(u64, Move); 8] = [
    (12, Move::Compact),
    (14, Move::CompactStack),
    (16, Move::CompactBeside),
    (12, Move::JobsBeside),
    (14, Move::CompactDropped),
    (8, Move::CompactFatKey),
    (4, Move::ImagesUnder),
    (3, Move::Gc),
];

const IMAGES: [(u64, Move); 10] = [
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

const BRANCHES: [(u64, Move); 13] = [
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
    (8, Move::GcGap),
    (5, Move::Images),
    (4, Move::Compact),
];

const TIMELINES: [(u64, Move); 14] = [
    (30, Move::Put),
    (8, Move::Get),
    (4, Move::Scan),
    (20, Move::Flush),
    (4, Move::FlushDropped),
    (6, Move::Join),
    (20, Move::Second),
    (8, Move::CreateAgain),
    (16, Move::Branch),
    (20, Move::DeleteBranch),
    (4, Move::Gc),
    (4, Move::Crash),
    (6, Move::Restart),
    (8, Move::Shutdown),
];

/// In a large plan, a batch is long and what it writes must live long enough to fill a layer.
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
    /// One of them: those with jobs of their own more often than writes or everything together.
    pub fn draw(chance: &mut impl Chance) -> Theme {
        chance.pick_weighted(&[
            (1, Theme::Mixed),
            (1, Theme::Writes),
            (2, Theme::Compaction),
            (2, Theme::Images),
            (3, Theme::Branches),
            (2, Theme::Timelines),
        ])
    }

    /// What may be done next.
    pub fn moves(self, scale: PlanScale) -> Vec<(u64, Move)> {
        if scale == PlanScale::Large {
            return LARGE.to_vec();
        }
        match self {
            Theme::Writes => WRITES.to_vec(),
            Theme::Compaction => [OTHERS.as_slice(), &COMPACTION].concat(),
            Theme::Images => [OTHERS.as_slice(), &IMAGES].concat(),
            Theme::Branches => [OTHERS.as_slice(), &BRANCHES].concat(),
            Theme::Timelines => TIMELINES.to_vec(),
            Theme::Mixed => [WRITES.as_slice(), &COMPACTION, &IMAGES, &BRANCHES].concat(),
        }
    }

    /// Whether a job is one that plans about this are about.
    pub fn is_about(self, job: Job) -> bool {
        match self {
            Theme::Writes => matches!(job, Job::Put | Job::Freeze | Job::Flush),
            Theme::Compaction => job == Job::Compact,
            Theme::Images => job == Job::Image,
            Theme::Branches => matches!(job, Job::Gc | Job::Branch | Job::Delete | Job::Drop),
            Theme::Timelines => {
                matches!(job, Job::Create | Job::Branch | Job::Delete | Job::Open)
            }
            Theme::Mixed => false,
        }
    }
}
