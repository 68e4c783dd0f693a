//! Corpora as Parquet files.

use std::{fs::File, path::Path, sync::Arc};

use ::parquet::{
    basic::{Compression, ZstdLevel},
    data_type::{ByteArray, ByteArrayType},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        reader::SerializedFileReader,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};
use ethos_core::Document;

use crate::error::{Error, Result};

/// What every row has, as text; what has an inside is JSON.
const SCHEMA: &str = "message corpus {
    required binary id (string);
    required binary text (string);
    optional binary lineage (string);
    required binary metadata (string);
}";

/// Rows of a group, which is what is held in memory.
const GROUP: usize = 4_096;

/// Writes documents as a Parquet file with the columns `id`, `text`, `lineage` and `metadata`, the last two as
/// JSON, whole or not at all. The same documents give the same bytes.
///
/// # Errors
///
/// [`Error::Parquet`] when the file cannot be written.
pub fn write_parquet(path: impl AsRef<Path>, documents: &[Document]) -> Result<()> {
    let path = path.as_ref();
    let wrong = |message: String| Error::Parquet { path: path.to_owned(), message };
    let partial = path.with_extension("parquet.partial");
    let written = || -> Result<(), ParquetError> {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_created_by("ethos-corpus".to_owned());
        let file = File::create(&partial)?;
        let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties.build()))?;
        for documents in documents.chunks(GROUP) {
            let mut group = writer.next_row_group()?;
            column(&mut group, documents, |document| Some(document.id.clone()))?;
            column(&mut group, documents, |document| Some(document.text.clone()))?;
            column(&mut group, documents, |document| {
                document.lineage.as_ref().map(|lineage| serde_json::json!(lineage).to_string())
            })?;
            column(&mut group, documents, |document| {
                Some(serde_json::json!(document.metadata).to_string())
            })?;
            group.close()?;
        }
        let file = writer.into_inner()?;
        Ok(file.sync_all()?)
    };
    if let Err(error) = written() {
        // What was begun is of no use to anybody.
        let _ = std::fs::remove_file(&partial);
        return Err(wrong(error.to_string()));
    }
    std::fs::rename(&partial, path).map_err(|error| wrong(error.to_string()))
}

fn column(
    group: &mut SerializedRowGroupWriter<'_, File>,
    documents: &[Document],
    text: impl Fn(&Document) -> Option<String>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("a column is missing in the schema".to_owned()));
    };
    let texts: Vec<Option<String>> = documents.iter().map(text).collect();
    let levels: Vec<i16> = texts.iter().map(|text| i16::from(text.is_some())).collect();
    let values: Vec<ByteArray> =
        texts.into_iter().flatten().map(|text| ByteArray::from(text.into_bytes())).collect();
    // The levels of a column that is required are not looked at.
    column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
    column.close()
}

/// Reads documents that [`write_parquet`] wrote, or any file that has at least the columns `id` and `text`.
///
/// # Errors
///
/// [`Error::Parquet`] for a file that cannot be read, or a row that is no document, with its number.
pub fn read_parquet(path: impl AsRef<Path>) -> Result<Vec<Document>> {
    let path = path.as_ref();
    let wrong = |message: String| Error::Parquet { path: path.to_owned(), message };
    let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
    let rows = SerializedFileReader::new(file).map_err(|error| wrong(error.to_string()))?;
    let mut documents = Vec::new();
    for (number, row) in (1..).zip(rows) {
        let row = row.map_err(|error| wrong(error.to_string()))?.to_json_value();
        let text = |name: &str| row.get(name).and_then(|value| value.as_str());
        let (Some(id), Some(body)) = (text("id"), text("text")) else {
            return Err(wrong(format!("row {number} has no `id` or no `text`")));
        };
        let mut document = Document::new(id, body);
        let bad = |error: serde_json::Error| wrong(format!("row {number}: {error}"));
        if let Some(lineage) = text("lineage") {
            document.lineage = Some(serde_json::from_str(lineage).map_err(bad)?);
        }
        if let Some(metadata) = text("metadata") {
            document.metadata = serde_json::from_str(metadata).map_err(bad)?;
        }
        documents.push(document);
    }
    Ok(documents)
}

#[cfg(test)]
mod tests {
    use ethos_core::Lineage;

    use super::*;

    #[test]
    fn documents_come_back_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("corpus.parquet");
        let mut documents: Vec<Document> =
            (0..5_000).map(|n| Document::new(format!("id{n}"), format!("Text ☂ {n}\n"))).collect();
        documents[7].lineage = Some(Lineage::new("hash", [3..9, 12..40]));
        documents[7].metadata.insert("domain".to_owned(), "Cheese".into());
        write_parquet(&path, &documents).unwrap();
        assert_eq!(read_parquet(&path).unwrap(), documents);
        let bytes = std::fs::read(&path).unwrap();
        write_parquet(&path, &documents).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        write_parquet(&path, &[]).unwrap();
        assert!(read_parquet(&path).unwrap().is_empty());
        let nowhere = folder.path().join("no/such/folder.parquet");
        assert!(matches!(write_parquet(nowhere, &documents), Err(Error::Parquet { .. })));
        std::fs::write(&path, "not Parquet").unwrap();
        assert!(read_parquet(&path).is_err());
    }
}
