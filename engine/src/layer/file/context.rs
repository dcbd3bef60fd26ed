//! What the layers of one timeline share.

use std::path::Path;
use std::sync::Arc;

use super::cache::BlockCache;
use super::names::FileNames;
use crate::base::{Generation, TenantId, TimelineId};
use crate::io::Io;

/// Whose layers they are, where their files stand, and what they share. A clone is cheap.
#[derive(Clone)]
pub struct LayerContext<I: Io> {
    /// The seam that they stand on.
    pub io: I,
    /// The directory of their files.
    pub dir: Arc<Path>,
    /// Whose they are: it stands in each file.
    pub tenant: TenantId,
    /// Which timeline's they are.
    pub timeline: TimelineId,
    /// Who writes new ones.
    pub generation: Generation,
    /// The blocks that were read, of all timelines of an engine.
    pub cache: Arc<BlockCache>,
    /// The names of their files.
    pub names: Arc<FileNames>,
}
