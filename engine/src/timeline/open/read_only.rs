//! Opening to read alone: nothing is written, so that a full disk does not stand in the way.

use super::{Opener, pinned, plan};
use crate::base::Result;
use crate::format::Index;
use crate::io::{Job, Op};
use crate::store::Store;
use crate::timeline::Timeline;

impl<S: Store> Opener<'_, S> {
    /// Opens a timeline by its index to be read alone, on top of its ancestor, which is open. It
    /// writes nothing, and what no index names is left where it is.
    pub(crate) async fn open_to_read(
        &self,
        index: Index,
        parent: Option<Timeline<S>>,
    ) -> Result<Timeline<S>> {
        let timeline = index.timeline;
        let op = Op::new(Some(timeline), Job::Open, 1);
        let parent = pinned(parent, timeline)?;
        let listing = self.list(op, timeline).await?;
        let mut planned = plan(&index, &listing)?.index;
        planned.generation = index.generation;
        let opened = self.shared(planned, parent);
        opened.shared.state().make_read_only();
        Ok(opened)
    }
}
