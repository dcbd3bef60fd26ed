//! The scenarios, each a claim about threads that run side by side.

pub mod catalog;
pub mod desk;
pub mod file_names;
pub mod growth;
pub mod job_lock;
pub mod pool;
pub mod reads;
pub mod timer;
pub mod waits;
