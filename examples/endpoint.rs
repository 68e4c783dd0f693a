//! A model at an endpoint, and what its answers cost: shared by the examples that may spend money.

use anyhow::{Context, Result, bail};
use ethos_api::{Anthropic, Budget, Endpoint, OpenAi, Price, Prices};
use ethos_core::Model;

/// What the command line says of the endpoint.
pub(crate) struct Asked {
    url: Option<String>,
    model: Option<String>,
    anthropic: Option<String>,
    budget: Option<f64>,
    yes: bool,
    /// Dollars for a million tokens of requests and of answers.
    pub(crate) price: (f64, f64),
}

impl Asked {
    fn offline(&self) -> bool {
        self.model.is_none() && self.anthropic.is_none()
    }
}

/// Reads `--url`, `--model`, `--anthropic`, `--price IN,OUT`, `--budget` and `--yes`.
pub(crate) fn read(args: &mut pico_args::Arguments) -> Result<Asked> {
    let asked = Asked {
        url: args.opt_value_from_str("--url")?,
        model: args.opt_value_from_str("--model")?,
        anthropic: args.opt_value_from_str("--anthropic")?,
        budget: args.opt_value_from_str("--budget")?,
        yes: args.contains("--yes"),
        price: match args.opt_value_from_str::<_, String>("--price")? {
            None => (0.0, 0.0),
            Some(price) => {
                let (input, output) = price.split_once(',').context("`--price` is IN,OUT")?;
                (input.trim().parse()?, output.trim().parse()?)
            }
        },
    };
    if asked.url.is_some() && asked.model.is_none() {
        bail!("`--url` needs the name of a model there, `--model NAME`");
    }
    Ok(asked)
}

/// Tells the cost, and whether it may be spent.
pub(crate) fn agreed(asked: &Asked, cost: f64) -> Result<bool> {
    if asked.offline() {
        println!("offline: a script writes, and it costs nothing\n");
        return Ok(true);
    }
    match asked.price {
        (0.0, 0.0) => {
            println!("what a token costs was not told (`--price IN,OUT`, dollars a million)")
        }
        _ => println!("about {cost:.2} dollars, judging and what is written anew not counted"),
    }
    if !asked.yes {
        println!("nothing was asked; add `--yes` to spend it");
    }
    Ok(asked.yes)
}

/// The model at the endpoint, or the one of the script.
pub(crate) fn model(
    asked: &Asked,
    script: impl FnOnce() -> Box<dyn Model>,
) -> Result<Box<dyn Model>> {
    let terms = |endpoint: Endpoint, name: &str| {
        let (input, output) = asked.price;
        let endpoint = match asked.price {
            (0.0, 0.0) => endpoint,
            _ => endpoint.with_prices(Prices::new().with(name, Price::new(input, output))),
        };
        match asked.budget {
            Some(limit) => endpoint.with_budget(&Budget::usd(limit)),
            None => endpoint,
        }
    };
    Ok(match (&asked.url, &asked.model, &asked.anthropic) {
        (_, None, None) => script(),
        (Some(url), Some(name), _) => {
            Box::new(OpenAi::new(terms(Endpoint::new(url.as_str(), name.as_str()), name))?)
        }
        (None, Some(name), _) => {
            let endpoint = Endpoint::from_env(ethos_api::Provider::OpenAi, name.as_str())?;
            Box::new(OpenAi::new(terms(endpoint, name))?)
        }
        (_, _, Some(name)) => {
            let endpoint = Endpoint::from_env(ethos_api::Provider::Anthropic, name.as_str())?;
            Box::new(Anthropic::new(terms(endpoint, name))?)
        }
    })
}
