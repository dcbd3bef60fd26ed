//! What looks into the files of the engine: the program `palimpsest`, and the parts that it is
//! made of.
//!
//! The engine itself takes no part of this: an embedder gets no argument parser from it.
//!
//! ```text
//! roof     cli/                  arguments, console and exit codes
//! floor 5  import/               it verifies what it takes
//! floor 4  dump/ verify/ draw/ stat/ ingest/ jobs/ play/ rewrite/   one room for each command
//! floor 3  session               an engine, open for one command
//! floor 2  place  index_file     what a path is; the index of a timeline
//! floor 1  layer/  exit          a layer's file, read as a stream; why a command ends
//! ground   bytes  fault          bytes at offsets, and what is wrong with them
//!          form  progress  clock how it is printed, how far it is, and how long it takes
//!          map/  waldump/        layers as pictures; what pg_waldump prints
//! ```
#![warn(missing_docs)]

mod bytes;
pub mod cli;
mod clock;
mod draw;
mod dump;
mod exit;
mod fault;
mod form;
mod import;
mod index_file;
mod ingest;
mod jobs;
mod layer;
pub mod map;
mod place;
mod play;
mod progress;
mod rewrite;
mod session;
mod stat;
mod verify;
pub mod waldump;

pub use bytes::{Bytes, DiskFile};
pub use dump::{Detail, dump_json, dump_text};
pub use exit::CommandError;
pub use fault::{Fault, Stop};
pub use form::Form;
pub use layer::{Entries, Entry, LayerReader, NodeView, Summary};
pub use verify::verify;
