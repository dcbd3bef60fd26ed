//! A file that goes with its owner, unless it is given a name to stay under.

use std::io;
use std::path::{Path, PathBuf};

use super::{Io, Job, Op};

/// A new file that is removed when it is dropped, unless [`Scratch::rename`] or
/// [`Scratch::replace`] gave it a lasting name first.
///
/// The removal is a task of its own; if it fails, or if the process ends before, the file is left
/// to whoever opens the directory next. So a scratch name is never used twice.
pub struct Scratch<I: Io> {
    io: I,
    op: Op,
    path: PathBuf,
    /// Nothing once it has a lasting name.
    file: Option<I::File>,
}

impl<I: Io> Scratch<I> {
    /// Makes the file, which must not exist.
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
    /// If it was given a lasting name.
    pub fn file(&self) -> &I::File {
        self.file.as_ref().expect("it has its scratch name still")
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it a lasting name that is free. From then on it stays.
    ///
    /// # Errors
    /// `AlreadyExists` if the name is taken. It keeps its scratch name after any error.
    pub async fn rename(&mut self, to: &Path) -> io::Result<()> {
        self.io.rename(self.op, &self.path, to).await?;
        self.file = None;
        Ok(())
    }

    /// Gives it a lasting name, in place of the file that has it. From then on it stays.
    ///
    /// # Errors
    /// It keeps its scratch name after any error.
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
            // What this leaves, the next open removes.
            let _ = io.remove(op, &path).await;
        });
    }
}
