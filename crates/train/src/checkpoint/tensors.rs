//! Tensors in safetensors files, one file or several with an index, read and written one at a time.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, hash_map::Entry},
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use burn::tensor::{DType, Tensor, TensorData, bf16, f16};
use ethos_core::jsonl;
use safetensors::{Dtype, View, tensor::Metadata};
use serde::{Deserialize, Serialize};

use super::read_json;
use crate::{
    Error, Result,
    model::{Named, Part, Source},
};

pub(super) const WEIGHTS: &str = "model.safetensors";
pub(super) const INDEX: &str = "model.safetensors.index.json";

/// A header larger than this is none: that of a model with a million tensors would be smaller.
const LARGEST_HEADER: u64 = 32 << 20;

/// What the index of a sharded checkpoint says.
#[derive(Serialize, Deserialize)]
struct Index {
    metadata: serde_json::Map<String, serde_json::Value>,
    weight_map: BTreeMap<String, String>,
}

/// Tensors on disk. Nothing but the headers is read until a tensor is asked for, so that a model takes
/// its own size in memory and one tensor more.
///
/// The files are read at positions and not mapped: a file that shrinks meanwhile is an error, where a
/// mapping would kill the program.
pub(crate) struct TensorFiles {
    /// The file that names all tensors, for errors.
    path: PathBuf,
    files: Vec<(PathBuf, File)>,
    /// Those that were not asked for yet.
    left: HashMap<String, Place>,
}

struct Place {
    file: usize,
    dtype: Dtype,
    shape: Vec<usize>,
    start: u64,
    bytes: usize,
}

impl TensorFiles {
    /// The weights of a checkpoint's folder.
    pub(crate) fn of_folder(folder: &Path) -> Result<Self> {
        let (whole, index) = (folder.join(WEIGHTS), folder.join(INDEX));
        if whole.exists() {
            return TensorFiles::open(&whole);
        }
        if !index.exists() {
            return Err(Error::Checkpoint {
                path: folder.to_owned(),
                message: format!(
                    "has neither `{WEIGHTS}` nor `{INDEX}`; other formats can be converted with \
                     `transformers`: `model.save_pretrained(folder)`"
                ),
            });
        }
        let map = read_json::<Index>(&index)?.weight_map;
        let mut files = TensorFiles { path: index, files: Vec::new(), left: HashMap::new() };
        let shards: std::collections::BTreeSet<&String> = map.values().collect();
        for shard in shards {
            if shard.contains(['/', '\\']) || shard.starts_with('.') {
                return Err(files.wrong(format!("names `{shard}`, which is no file beside it")));
            }
            files.add(&folder.join(shard))?;
        }
        if let Some((name, shard)) = map.iter().find(|(name, _)| !files.left.contains_key(*name)) {
            return Err(files.wrong(format!("says that `{name}` is in `{shard}`, and it is not")));
        }
        Ok(files)
    }

    /// The tensors of one file.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let mut files =
            TensorFiles { path: path.to_owned(), files: Vec::new(), left: HashMap::new() };
        files.add(path)?;
        Ok(files)
    }

    /// The names of those that were not asked for yet.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.left.keys().map(String::as_str)
    }

    fn add(&mut self, path: &Path) -> Result<()> {
        let failed = |message: String| Error::Checkpoint {
            path: path.to_owned(),
            message: format!("is not a whole safetensors file: {message}"),
        };
        let mut file = File::open(path).map_err(Error::io("open", path))?;
        let length = file.metadata().map_err(Error::io("read", path))?.len();
        let mut size = [0; 8];
        file.read_exact(&mut size).map_err(|_| failed("it is too short".to_owned()))?;
        let size = u64::from_le_bytes(size);
        if size > LARGEST_HEADER || size + 8 > length {
            return Err(failed(format!("a header of {size} bytes in a file of {length}")));
        }
        let mut header = vec![0; size as usize];
        file.read_exact(&mut header).map_err(Error::io("read", path))?;
        let header: Metadata =
            serde_json::from_slice(&header).map_err(|error| failed(error.to_string()))?;
        // Reading a header does not check it; making one from the same parts does.
        let names = header.offset_keys();
        let infos =
            names.iter().filter_map(|name| Some((name.clone(), header.info(name)?.clone())));
        let header = Metadata::new(None, infos.collect()).map_err(|e| failed(e.to_string()))?;
        let data = header.data_len() as u64;
        if data != length - size - 8 {
            return Err(failed(format!(
                "{data} bytes of tensors announced, {} there",
                length - size - 8
            )));
        }
        let number = self.files.len();
        for name in names {
            let Some(info) = header.info(&name) else { continue };
            let place = Place {
                file: number,
                dtype: info.dtype,
                shape: info.shape.clone(),
                start: 8 + size + info.data_offsets.0 as u64,
                bytes: info.data_offsets.1 - info.data_offsets.0,
            };
            match self.left.entry(name) {
                Entry::Vacant(entry) => drop(entry.insert(place)),
                Entry::Occupied(entry) => {
                    return Err(failed(format!("`{}` is in two files", entry.key())));
                }
            }
        }
        self.files.push((path.to_owned(), file));
        Ok(())
    }

    /// The values of a tensor of this shape, row by row, whatever they are stored as.
    pub(crate) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let Some(place) = self.left.remove(name) else {
            return Err(self.wrong(format!("has no tensor `{name}`")));
        };
        if place.shape != shape {
            return Err(self.wrong(format!("`{name}` is {:?}, wanted is {shape:?}", place.shape)));
        }
        let convert: fn(&[u8]) -> Vec<f32> = match place.dtype {
            Dtype::F32 => |bytes| floats(bytes, f32::from_le_bytes),
            Dtype::F16 => |bytes| floats(bytes, |b| f16::from_le_bytes(b).to_f32()),
            // The upper half of an f32.
            Dtype::BF16 => |bytes| floats(bytes, |[a, b]| f32::from_le_bytes([0, 0, a, b])),
            other => {
                return Err(self.wrong(format!("`{name}` is {other:?}; known are F32, F16, BF16")));
            }
        };
        let (path, file) = &mut self.files[place.file];
        let mut bytes = vec![0; place.bytes];
        file.seek(SeekFrom::Start(place.start))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(Error::io("read", path))?;
        Ok(convert(&bytes))
    }

    /// An error where something was not asked for, except what [`ignored`] says.
    pub(crate) fn finish(&self, tied: bool) -> Result<()> {
        let mut unused: Vec<&str> = self.left.keys().map(String::as_str).collect();
        unused.retain(|name| !ignored(name, tied));
        unused.sort_unstable();
        match unused.len() {
            0 => Ok(()),
            1..=8 => {
                Err(self.wrong(format!("holds tensors the model has not: {}", unused.join(", "))))
            }
            more => Err(self.wrong(format!(
                "holds {more} tensors the model has not: {}, …",
                unused[..8].join(", ")
            ))),
        }
    }

    fn wrong(&self, message: String) -> Error {
        Error::Checkpoint { path: self.path.clone(), message }
    }
}

impl Source for TensorFiles {
    fn values(&mut self, name: &str, shape: &[usize], _: Part) -> Result<TensorData> {
        Ok(TensorData::new(self.take(name, shape)?, shape.to_vec()))
    }
}

/// Tensors that published checkpoints hold although they say nothing new: rotary frequencies, and an
/// output layer that is the embedding. `transformers` ignores them too.
fn ignored(name: &str, tied: bool) -> bool {
    name.ends_with(".rotary_emb.inv_freq") || (tied && name == "lm_head.weight")
}

fn floats<const N: usize>(bytes: &[u8], float: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (whole, _) = bytes.as_chunks::<N>();
    whole.iter().map(|&bytes| float(bytes)).collect()
}

/// A parameter's values as they are written, in its own precision.
pub(crate) fn bytes_of(flat: Tensor<1>) -> Vec<u8> {
    match flat.dtype() {
        DType::BF16 => flat.into_data().iter::<bf16>().flat_map(bf16::to_le_bytes).collect(),
        _ => flat.into_data().iter::<f32>().flat_map(f32::to_le_bytes).collect(),
    }
}

/// Fetched from its device when it is written, not before.
impl View for Named {
    fn dtype(&self) -> Dtype {
        match self.flat.dtype() {
            DType::BF16 => Dtype::BF16,
            _ => Dtype::F32,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(bytes_of(self.flat.clone()))
    }

    fn data_len(&self) -> usize {
        self.flat.dtype().size() * self.shape.iter().product::<usize>()
    }
}

/// Writes one file.
pub(crate) fn write(path: &Path, tensors: Vec<Named>) -> Result<()> {
    // transformers wants to be told who wrote the file.
    let about = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let named = tensors.into_iter().map(|tensor| (tensor.name.clone(), tensor));
    safetensors::serialize_to_file(named, Some(about), path).map_err(|error| Error::Checkpoint {
        path: path.to_owned(),
        message: format!("cannot be written: {error}"),
    })
}

/// Whether a file is one of several that hold a model's weights, by its name: `model-NUMBER-of-COUNT`.
pub(super) fn is_shard(name: &str) -> bool {
    let number = |digits: &str| digits.len() == 5 && digits.bytes().all(|b| b.is_ascii_digit());
    let between = name.strip_prefix("model-").and_then(|name| name.strip_suffix(".safetensors"));
    between
        .and_then(|name| name.split_once("-of-"))
        .is_some_and(|(one, all)| number(one) && number(all))
}

/// Writes the weights into a checkpoint's folder: in one file, or, where that would be larger than
/// `largest` bytes, in shards with an index.
pub(crate) fn write_folder(folder: &Path, tensors: Vec<Named>, largest: usize) -> Result<()> {
    let total: usize = tensors.iter().map(View::data_len).sum();
    if total <= largest {
        return write(&folder.join(WEIGHTS), tensors);
    }
    let mut shards: Vec<(usize, Vec<Named>)> = Vec::new();
    for tensor in tensors {
        let bytes = tensor.data_len();
        match shards.last_mut() {
            Some((size, shard)) if *size + bytes <= largest => {
                *size += bytes;
                shard.push(tensor);
            }
            _ => shards.push((bytes, vec![tensor])),
        }
    }
    let (count, mut weight_map) = (shards.len(), BTreeMap::new());
    for (number, (_, shard)) in (1..).zip(shards) {
        let name = format!("model-{number:05}-of-{count:05}.safetensors");
        weight_map.extend(shard.iter().map(|tensor| (tensor.name.clone(), name.clone())));
        write(&folder.join(name), shard)?;
    }
    let metadata = serde_json::Map::from_iter([("total_size".to_owned(), total.into())]);
    Ok(jsonl::write_json(folder.join(INDEX), &Index { metadata, weight_map })?)
}
