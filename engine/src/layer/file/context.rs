//! The context that the layers of one timeline share.

use std::path::Path;
use std::sync::Arc;

use super::cache::BlockCache;
use super::decoders::Decoders;
use super::names::FileNames;
use crate::base::{Generation, TenantId, TimelineId};
use crate::io::{Io, OpenFiles};

/// The ids, the directory and the shared resources of a timeline's layers. A clone is cheap.
#[derive(Clone)]
pub struct LayerContext<I: Io> {
    /// The I/O of the engine.
    pub io: I,
    /// The directory of their files.
    pub dir: Arc<Path>,
    /// The tenant, which each file names.
    pub tenant: TenantId,
    /// The timeline that the layers belong to.
    pub timeline: TimelineId,
    /// The generation that writes new layers.
    pub generation: Generation,
    /// The block cache of the engine.
    pub cache: Arc<BlockCache>,
    /// The decoders of the engine.
    pub(crate) decoders: Arc<Decoders>,
    /// The open files of the engine.
    pub open_files: Arc<OpenFiles<I>>,
    /// The file names in use in the directory.
    pub names: Arc<FileNames>,
}
