//! What a timeline is opened with.

use std::sync::Arc;

use super::branch_tree::BranchTree;
use super::memory_budget::MemoryBudget;
use super::options::Options;
use super::pin::ParentPin;
use super::shared::Shared;
use crate::format::Index;
use crate::layer::{LayerContext, LayerMap};
use crate::store::Store;

/// All that is needed to open a timeline.
pub(crate) struct Opening<S: Store> {
    pub(crate) index: Index,
    pub(crate) map: LayerMap<S::Io>,
    pub(crate) context: LayerContext<S::Io>,
    pub(crate) store: S,
    pub(crate) parent: Option<(Arc<Shared<S>>, ParentPin)>,
    pub(crate) branch_tree: Arc<BranchTree>,
    pub(crate) memory: Arc<MemoryBudget>,
    pub(crate) options: Options,
}
