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

/// The output layer and the embedding, which may be one.
const HEAD: &str = "lm_head.weight";
const EMBEDDING: &str = "model.embed_tokens.weight";

/// So many values are compared at a time.
const COMPARED: usize = 1 << 20;

/// What the index of a sharded checkpoint says.
#[derive(Serialize, Deserialize)]
struct Index {
    #[serde(default)]
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
        let is_there = |name: &str, shard: &str| {
            let place = files.left.get(name);
            place.is_some_and(|place| files.files[place.file].0.ends_with(shard))
        };
        if let Some((name, shard)) = map.iter().find(|(name, shard)| !is_there(name, shard)) {
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
        let elements = shape.iter().product();
        self.read(name, &place, 0, elements)
    }

    /// So many values of a tensor from an element on.
    fn read(&mut self, name: &str, place: &Place, from: usize, count: usize) -> Result<Vec<f32>> {
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
        let size = place.dtype.bitsize() / 8;
        let mut bytes = vec![0; count * size];
        file.seek(SeekFrom::Start(place.start + (from * size) as u64))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(Error::io("read", path))?;
        Ok(convert(&bytes))
    }

    /// An error where a file of tied embeddings has an output layer of its own. One that is the embedding
    /// again, as some write it, counts as asked for.
    pub(crate) fn check_tied(&mut self) -> Result<()> {
        let Some(head) = self.left.remove(HEAD) else { return Ok(()) };
        let embedding = self.left.remove(EMBEDDING);
        let same = match &embedding {
            Some(embedding) => self.equal(&head, embedding)?,
            // It will be missed.
            None => true,
        };
        self.left.extend(embedding.map(|place| (EMBEDDING.to_owned(), place)));
        match same {
            true => Ok(()),
            false => Err(self.wrong(format!(
                "`{HEAD}` is not `{EMBEDDING}`, although config.json ties them; set \
                 `tie_word_embeddings` to false there"
            ))),
        }
    }

    /// Whether two tensors have the same shape and values, a few at a time.
    fn equal(&mut self, head: &Place, embedding: &Place) -> Result<bool> {
        if head.shape != embedding.shape {
            return Ok(false);
        }
        let elements: usize = head.shape.iter().product();
        for from in (0..elements).step_by(COMPARED) {
            let count = COMPARED.min(elements - from);
            if self.read(HEAD, head, from, count)?
                != self.read(EMBEDDING, embedding, from, count)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// An error where something was not asked for, rotary frequencies aside: published checkpoints hold
    /// them although they say nothing new, and `transformers` ignores them too.
    pub(crate) fn finish(&self) -> Result<()> {
        let mut unused: Vec<&str> = self.left.keys().map(String::as_str).collect();
        unused.retain(|name| !name.ends_with(".rotary_emb.inv_freq"));
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{Precision, Transformer, TransformerConfig, model::Trained, model::parameters};

    fn model(tied: bool) -> Transformer {
        let config = TransformerConfig { tie_word_embeddings: tied, ..TransformerConfig::tiny(5) };
        Transformer::init(config, 3, &crate::testing::device()).unwrap()
    }

    fn error(folder: &Path) -> String {
        Transformer::load(folder, &crate::testing::device()).unwrap_err().to_string()
    }

    /// A folder of three shards, whose index may be changed.
    fn sharded() -> (tempfile::TempDir, PathBuf, Index) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        model(false).save(&path).unwrap();
        fs::remove_file(path.join(WEIGHTS)).unwrap();
        let tensors = parameters(model(false).weights(), Trained::All);
        let total: usize = tensors.iter().map(View::data_len).sum();
        write_folder(&path, tensors, total / 2).unwrap();
        let index: Index = read_json(&path.join(INDEX)).unwrap();
        assert!(index.weight_map.values().all(|name| is_shard(name) && path.join(name).exists()));
        (folder, path, index)
    }

    #[test]
    fn an_index_needs_no_metadata() {
        let (_folder, path, index) = sharded();
        let map = serde_json::json!({ "weight_map": index.weight_map });
        jsonl::write_json(path.join(INDEX), &map).unwrap();
        assert!(Transformer::load(&path, &crate::testing::device()).is_ok());
    }

    #[test]
    fn an_index_that_is_not_right_is_named() {
        let (_folder, path, index) = sharded();
        let name = "model.embed_tokens.weight";
        let last = "model-00003-of-00003.safetensors";
        assert!(index.weight_map[name] != last && index.weight_map["lm_head.weight"] == last);
        let with = |name: &str, shard: &str| {
            let mut weight_map = index.weight_map.clone();
            weight_map.insert(name.to_owned(), shard.to_owned());
            let index = Index { metadata: index.metadata.clone(), weight_map };
            jsonl::write_json(path.join(INDEX), &index).unwrap();
            error(&path)
        };
        for shard in ["../x", "/etc/passwd", "a/b.safetensors", "..", ".", "a\\b"] {
            let error = with(name, shard);
            assert!(error.contains("no file beside it"), "{error}");
        }
        let gone = with(name, "model-00004-of-00003.safetensors");
        assert!(gone.contains("model-00004-of-00003.safetensors"), "{gone}");
        let elsewhere = with(name, last);
        let says = format!("says that `{name}` is in `{last}`, and it is not");
        assert!(elsewhere.contains(&says), "{elsewhere}");
        let nowhere = with("surplus", last);
        assert!(nowhere.contains("says that `surplus` is in"), "{nowhere}");

        jsonl::write_json(path.join(INDEX), &index).unwrap();
        let whole = parameters(model(false).weights(), Trained::All);
        let (embedding, head) = (whole[0].clone(), whole.last().unwrap().clone());
        write(&path.join(last), vec![embedding, head]).unwrap();
        let twice = error(&path);
        assert!(twice.contains(&format!("`{name}` is in two files")), "{twice}");
    }

    /// Some write the output layer too although it is the embedding. One that is not would be lost.
    #[test]
    fn an_output_layer_beside_tied_embeddings_must_be_the_embedding() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        let device = crate::testing::device();
        for precision in [Precision::F32, Precision::Bf16] {
            let model = model(true).in_precision(precision);
            model.save(&path).unwrap();
            let whole = parameters(model.weights(), Trained::All);
            let with = |head: Named| {
                let head = Named { name: HEAD.to_owned(), ..head };
                write(&path.join(WEIGHTS), [whole.clone(), vec![head]].concat()).unwrap();
            };
            with(whole[0].clone());
            let read = Transformer::load_in(&path, precision, &device).unwrap();
            assert_eq!(read.embeddings(&[0, 4]), model.embeddings(&[0, 4]));
            let mut other = whole[0].clone();
            let last = other.flat.dims()[0] - 1;
            let range = last..last + 1;
            other.flat = other.flat.slice_fill([range], 0.5);
            let narrow = Named {
                shape: vec![4, 64],
                flat: whole[0].flat.clone().narrow(0, 0, 256),
                ..other.clone()
            };
            for head in [other, narrow] {
                with(head);
                let error = error(&path);
                assert!(error.contains("set `tie_word_embeddings` to false"), "{error}");
            }
        }
    }
}
