//! The page around the sections.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use physrep_records::SuiteFacts;

use super::page_state::PageState;
use crate::{
    figures::{colour_variables, figure_style},
    tables::wording,
};

/// A section of the page.
pub(super) struct Section {
    pub id: &'static str,
    pub title: &'static str,
    pub body: Markup,
}

/// The page loads nothing; the policy makes browsers enforce it.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// Sorts tables.
pub(crate) const TABLE_SCRIPT: &str = include_str!("page.js");

/// After how many seconds the page of a run that goes on loads itself again.
const RELOAD: u32 = 10;

/// The head of a page, which may add to the style of all pages.
pub(crate) fn head(title: &str, style: &str, state: PageState) -> Markup {
    let style = [&colour_variables(), include_str!("style.css"), &figure_style(), style].concat();
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(POLICY);
            @if state == PageState::Running { meta http-equiv="refresh" content=(RELOAD); }
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) }
            link rel="icon" href="data:,";
            style { (PreEscaped(style)) }
        }
    }
}

/// The whole document.
pub(super) fn render(suite: &SuiteFacts, lead: &Markup, sections: &[Section], state: PageState) -> String {
    let suite = wording::suite(suite);
    let title = format!("physrep-bench: {suite}");
    let page = html! {
        (DOCTYPE)
        html lang="en-GB" {
            (head(&title, "", state))
            body {
                a class="skip" href="#main" { "Skip to the scores" }
                header {
                    p class="eyebrow" { "physrep-bench · " (suite) }
                    h1 { "How much physics do the representations hold?" }
                    (lead)
                }
                nav aria-label="Sections" {
                    ul { @for section in sections { li { a href={ "#" (section.id) } { (section.title) } } } }
                }
                main id="main" tabindex="-1" {
                    @for section in sections {
                        section id=(section.id) aria-labelledby={ (section.id) "-title" } {
                            h2 id={ (section.id) "-title" } { (section.title) }
                            (section.body)
                        }
                    }
                }
                footer {
                    p { "Made by " code { "physrep-bench report" } " from the records of the run alone. Every figure is beside this page as SVG, \
                         with its values as CSV." }
                }
                p id="status" class="unseen" role="status" {}
                script { (PreEscaped(TABLE_SCRIPT)) }
            }
        }
    };
    page.into_string()
}
