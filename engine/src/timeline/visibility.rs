//! Visibility: which layers reads may still come to, as a hint for what is kept at hand.

use super::Timeline;
use crate::base::LayerName;
use crate::layer::Visibility;
use crate::store::Store;

impl<S: Store> Timeline<S> {
    /// The visibility of each layer file for reads at the last record and at the LSNs that branches
    /// and leases retain, in the order of the names.
    ///
    /// A hint, for what is worth a cache: reads at other LSNs come to covered layers too, and no
    /// answer depends on it. It is computed anew by each call.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// # let mut batch = Batch::new();
    /// # batch.push(Key::MIN, Lsn(10), &Value::Image(b"first".to_vec()))?;
    /// # batch.push(Key::MIN, Lsn(20), &Value::Image(b"second".to_vec()))?;
    /// # timeline.writer()?.put_batch(&batch).await?;
    /// timeline.flush().await?;
    /// timeline.compact(Mode::Forced).await?;
    /// timeline.create_images(Mode::Forced).await?;
    /// let found: Vec<Visibility> = timeline.visibility().into_iter().map(|(_, it)| it).collect();
    /// assert_eq!(found, [Visibility::Covered, Visibility::Visible]); // The delta, the image.
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn visibility(&self) -> Vec<(LayerName, Visibility)> {
        let mut points = self.shared.retained_now();
        let (map, last) = {
            let state = self.shared.state();
            (state.map.clone(), state.last_record_lsn)
        };
        points.insert(last);
        map.files().visibility(&points)
    }
}
