//! The files to import, and what they say.

use std::path::{Path, PathBuf};

use palimpsest::base::{Generation, LayerName};
use palimpsest::format::IndexLayer;
use palimpsest::{Lsn, TenantId};

use crate::bytes::DiskFile;
use crate::exit::{CommandError, code};
use crate::form::Form;
use crate::layer::LayerReader;
use crate::place::layer_files;
use crate::verify::verify;

/// The generation of an imported layer: the first open takes the next one.
pub(super) const GENERATION: Generation = Generation(1);

/// What is imported.
pub(super) struct Source {
    pub(super) tenant: TenantId,
    /// The layers, in the order of their names, each with its file.
    pub(super) layers: Vec<(IndexLayer, PathBuf)>,
    /// The highest LSN of any.
    pub(super) last: Lsn,
}

impl Source {
    /// Verifies all layers in a directory.
    pub(super) fn read(dir: &Path) -> Result<Source, CommandError> {
        let files = layer_files(dir)?;
        let mut findings = Vec::new();
        if files.is_empty() {
            let text = format!("{}: there is no layer in it", dir.display());
            return Err(CommandError::Input(text));
        }
        let mut source = Source {
            tenant: TenantId::default(),
            layers: Vec::new(),
            last: Lsn::ZERO,
        };
        for (name, file) in files {
            let path = dir.join(file);
            if verify(&path, &mut findings, Form::Text)? != code::ALL_RIGHT {
                let text = String::from_utf8_lossy(&findings).into_owned();
                return Err(CommandError::Damaged(text.trim_end().to_owned()));
            }
            findings.clear();
            source.add(name, path)?;
        }
        Ok(source)
    }

    fn add(&mut self, name: LayerName, path: PathBuf) -> Result<(), CommandError> {
        let file = DiskFile::open(&path).map_err(|error| CommandError::of_path(&path, &error))?;
        let opened = LayerReader::open(file);
        let reader = opened.map_err(|fault| CommandError::of_fault(&path, &fault))?;
        let wrong = |what: String| Err(CommandError::Input(format!("{}: {what}", path.display())));
        let (tenant, found) = (reader.summary().tenant(), reader.summary().name());
        if found != name {
            return wrong(format!("it is the file of {found}"));
        }
        if let Some((last, _)) = self.layers.last() {
            if tenant != self.tenant {
                return wrong(format!("expected tenant {}, found {tenant}", self.tenant));
            }
            if last.name == name {
                return wrong("a layer of this name stands before it".to_owned());
            }
        }
        let layer = IndexLayer {
            name,
            generation: GENERATION,
            len: reader.file_len(),
            checksum: reader.section_checksum(),
        };
        self.tenant = tenant;
        self.last = self.last.max(Lsn(name.lsns().end.0 - 1));
        self.layers.push((layer, path));
        Ok(())
    }
}
