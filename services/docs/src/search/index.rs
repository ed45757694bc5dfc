//! The index: a document for each section of each page.

use tantivy::collector::{Count, TopDocs};
use tantivy::directory::RamDirectory;
use tantivy::query::{BooleanQuery, BoostQuery, ConstScoreQuery, FuzzyTermQuery, Occur, Query, RegexQuery, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, STORED, Schema, TEXT, Value};
use tantivy::{IndexReader, ReloadPolicy, TantivyDocument, Term};

use crate::library::Library;

/// What the writer may hold while it writes; the documentation is far smaller, and 15 MB is the least it takes.
const WRITER_BYTES: usize = 15_000_000;
/// From so many letters on, one slip is forgiven.
const FUZZY_FROM: usize = 4;
/// From so many letters on, a word is also the beginning of a longer one.
const PREFIX_FROM: usize = 2;

/// Which section of which page.
pub(crate) type Place = (usize, usize);

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// How many sections match in all.
    pub(crate) total: usize,
    /// The best of them, the best first.
    pub(crate) places: Vec<Place>,
    /// Whether slips had to be forgiven.
    pub(crate) slips: bool,
}

/// The sections, indexed.
pub(crate) struct Index {
    reader: IndexReader,
    fields: Fields,
}

#[derive(Clone, Copy)]
struct Fields {
    title: Field,
    heading: Field,
    text: Field,
    page: Field,
    section: Field,
}

impl Fields {
    /// What is searched, and how much a word there counts.
    fn weights(self) -> [(Field, f32); 3] {
        [(self.title, 4.0), (self.heading, 3.0), (self.text, 1.0)]
    }
}

/// How near a word must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nearness {
    /// The word, or a word that begins so.
    Whole,
    /// Also one letter off.
    Slips,
}

impl Index {
    /// Indexes every section of the library.
    ///
    /// # Errors
    /// What the index says; it is memory alone that it can lack.
    pub(crate) fn build(library: &Library) -> tantivy::Result<Self> {
        let mut schema = Schema::builder();
        let fields = Fields {
            title: schema.add_text_field("title", TEXT),
            heading: schema.add_text_field("heading", TEXT),
            text: schema.add_text_field("text", TEXT),
            page: schema.add_u64_field("page", STORED),
            section: schema.add_u64_field("section", STORED),
        };
        let mut writer = tantivy::Index::builder()
            .schema(schema.build())
            .single_segment_index_writer(RamDirectory::create(), WRITER_BYTES)?;
        for (place, page) in library.pages().iter().enumerate() {
            for (number, section) in page.rendered.sections.iter().enumerate() {
                let mut document = TantivyDocument::default();
                // The title counts once a page: else every section of it would be found by it.
                if number == 0 {
                    document.add_text(fields.title, &page.rendered.title);
                }
                if let Some(heading) = &section.heading {
                    document.add_text(fields.heading, &heading.text);
                }
                document.add_text(fields.text, &section.text);
                document.add_u64(fields.page, place as u64);
                document.add_u64(fields.section, number as u64);
                writer.add_document(document)?;
            }
        }
        let index = writer.finalize()?;
        // Nothing is added later, so nothing watches for it.
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Index { reader, fields })
    }

    /// The sections that hold all words, the best first; where none does, those that nearly do.
    pub(crate) fn find(&self, words: &[String], limit: usize) -> Found {
        if words.is_empty() {
            return Found::default();
        }
        let tries = [
            (Occur::Must, Nearness::Whole),
            (Occur::Must, Nearness::Slips),
            (Occur::Should, Nearness::Slips),
        ];
        let found = tries.into_iter().map(|(each, nearness)| Found {
            slips: nearness == Nearness::Slips,
            ..self.run(&self.query(words, each, nearness), limit)
        });
        found.into_iter().find(|found| found.total > 0).unwrap_or_default()
    }

    fn run(&self, query: &dyn Query, limit: usize) -> Found {
        let searcher = self.reader.searcher();
        // A query of words over an index in memory has nothing to fail on; if it does, nothing is found.
        let Ok((top, total)) = searcher.search(query, &(TopDocs::with_limit(limit).order_by_score(), Count)) else {
            return Found::default();
        };
        let place = |document: TantivyDocument| {
            let number = |field| usize::try_from(document.get_first(field)?.as_u64()?).ok();
            Some((number(self.fields.page)?, number(self.fields.section)?))
        };
        let places = top
            .into_iter()
            .filter_map(|(_, address)| place(searcher.doc(address).ok()?))
            .collect();
        Found {
            total,
            places,
            slips: false,
        }
    }

    fn query(&self, words: &[String], each: Occur, nearness: Nearness) -> BooleanQuery {
        BooleanQuery::new(words.iter().map(|word| (each, self.word(word, nearness))).collect())
    }

    fn word(&self, word: &str, nearness: Nearness) -> Box<dyn Query> {
        let letters = word.chars().count();
        let mut ways: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        for (field, weight) in self.fields.weights() {
            let term = Term::from_field_text(field, word);
            let whole = TermQuery::new(term.clone(), IndexRecordOption::WithFreqs);
            ways.push((Occur::Should, Box::new(BoostQuery::new(Box::new(whole), weight))));
            // A word is letters and digits alone, so that it is its own pattern.
            if letters >= PREFIX_FROM
                && let Ok(longer) = RegexQuery::from_pattern(&format!("{word}.*"), field)
            {
                ways.push((
                    Occur::Should,
                    Box::new(ConstScoreQuery::new(Box::new(longer), weight / 2.0)),
                ));
            }
            if nearness == Nearness::Slips && letters >= FUZZY_FROM {
                let near = FuzzyTermQuery::new_prefix(term, 1, true);
                ways.push((
                    Occur::Should,
                    Box::new(ConstScoreQuery::new(Box::new(near), weight / 8.0)),
                ));
            }
        }
        Box::new(BooleanQuery::new(ways))
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Index of {} sections", self.reader.searcher().num_docs())
    }
}
