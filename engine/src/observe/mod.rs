//! Listeners that hand events on to the crates that programs observe themselves with.
//!
//! Each is behind a feature of its name, off by default. They keep what they need in themselves:
//! the engine has no global, and calls nothing of them but [`Listener`](crate::Listener).

#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "tracing")]
mod tracing;

#[cfg(feature = "metrics")]
pub use self::metrics::MetricsListener;
#[cfg(feature = "tracing")]
pub use self::tracing::TracingListener;
