//! The kinds of layers.

use palimpsest::base::LayerName;

/// The kind of a layer, from the newest records to the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LayerKind {
    /// In memory, and takes records.
    Open,
    /// In memory, and waits to be flushed.
    Frozen,
    /// A delta as flushed.
    L0,
    /// A delta as compacted.
    L1,
    /// Whole values.
    Image,
}

impl LayerKind {
    /// Every kind, in order.
    pub const ALL: [LayerKind; 5] = [
        LayerKind::Open,
        LayerKind::Frozen,
        LayerKind::L0,
        LayerKind::L1,
        LayerKind::Image,
    ];

    /// The kind of the layer in a file.
    pub fn of(name: &LayerName) -> LayerKind {
        match name {
            LayerName::Image { .. } => LayerKind::Image,
            LayerName::Delta { .. } if name.is_l0() => LayerKind::L0,
            LayerName::Delta { .. } => LayerKind::L1,
        }
    }

    /// The name of the kind, which is also its class in a page.
    pub fn name(self) -> &'static str {
        match self {
            LayerKind::Open => "open",
            LayerKind::Frozen => "frozen",
            LayerKind::L0 => "L0",
            LayerKind::L1 => "L1",
            LayerKind::Image => "image",
        }
    }
}
