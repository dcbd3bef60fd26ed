//! Temporary files, which are removed when they are dropped, unless they get a lasting name.

use std::io;
use std::path::{Path, PathBuf};

use super::{Io, Job, Op};

/// A new file that is removed when it is dropped, unless [`Scratch::rename`] or
/// [`Scratch::replace`] gave it a lasting name first.
///
/// The removal is a task of its own; if it fails, or if the process ends before, the next open of
/// the timeline removes the file. So a scratch name is never used twice.
pub struct Scratch<I: Io> {
    io: I,
    op: Op,
    path: PathBuf,
    /// The open file; `None` once it has a lasting name.
    file: Option<I::File>,
}

impl<I: Io> Scratch<I> {
    /// Creates the file, which must not exist.
    pub async fn create(io: &I, op: Op, path: PathBuf) -> io::Result<Scratch<I>> {
        let file = io.create(op, &path).await?;
        Ok(Scratch {
            io: io.clone(),
            op,
            path,
            file: Some(file),
        })
    }

    /// The open file.
    ///
    /// # Panics
    /// If the file has a lasting name.
    pub fn file(&self) -> &I::File {
        self.file.as_ref().expect("it still has its scratch name")
    }

    /// The scratch path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Renames it to a lasting name that is free. From then on it is not removed.
    ///
    /// # Errors
    /// `AlreadyExists` if the name is taken. After any error it keeps its scratch name.
    pub async fn rename(&mut self, to: &Path) -> io::Result<()> {
        self.io.rename(self.op, &self.path, to).await?;
        self.file = None;
        Ok(())
    }

    /// Renames it over the file that has the lasting name. From then on it is not removed.
    ///
    /// # Errors
    /// After any error it keeps its scratch name.
    pub async fn replace(&mut self, to: &Path) -> io::Result<()> {
        self.io.replace(self.op, &self.path, to).await?;
        self.file = None;
        Ok(())
    }
}

impl<I: Io> Drop for Scratch<I> {
    fn drop(&mut self) {
        if self.file.take().is_none() {
            return;
        }
        let io = self.io.clone();
        let path = std::mem::take(&mut self.path);
        let op = Op {
            job: Job::Drop,
            ..self.op
        };
        self.io.spawn(op, async move {
            // If this fails, the next open removes the file.
            let _ = io.remove(op, &path).await;
        });
    }
}
