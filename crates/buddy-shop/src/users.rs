//! Who shops here. Yours are in a database.

use buddy_verify::User;
use serde_json::{Value, json};

/// A user of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shopper {
    /// Ada, who has bought a lot.
    Ada,
    /// Grace, who is new.
    Grace,
}

/// Whom a browser is known as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visitor {
    /// Nobody in particular.
    Guest,
    /// This user.
    SignedIn(Shopper),
}

impl Shopper {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ada, Self::Grace];

    /// The name by which one signs in.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ada => "ada",
            Self::Grace => "grace",
        }
    }

    /// Who signs in by this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shopper| shopper.name() == name)
    }

    /// The shop's own id.
    pub fn user_id(self) -> &'static str {
        match self {
            Self::Ada => "1815",
            Self::Grace => "1906",
        }
    }

    /// Whose id it is.
    pub fn of_id(user_id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shopper| shopper.user_id() == user_id)
    }

    /// What the agent may know.
    pub fn facts(self) -> User {
        let (email, attributes) = match self {
            Self::Ada => ("ada@shop.example", json!({"plan": "gold", "orders": 36})),
            Self::Grace => ("grace@shop.example", json!({"plan": "silver", "orders": 2})),
        };
        User::new(self.user_id()).email(email).role("customer").custom_attributes(attributes)
    }

    /// Whatever would give the user away in a page: the name and each fact, as text.
    pub fn traces(self) -> Vec<String> {
        let facts = self.facts();
        let told = [facts.email, facts.role].into_iter().flatten();
        let attributes = facts.custom_attributes.as_object().into_iter().flat_map(serde_json::Map::values);
        // A number of one digit is in every page.
        let attributes = attributes.map(Value::to_string).filter(|text| text.len() > 1);
        let attributes = attributes.map(|text| text.trim_matches('"').to_owned());
        let own = [self.name(), self.user_id()].map(str::to_owned);
        own.into_iter().chain(told).chain(attributes).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shopper_is_found_by_name_and_by_id() {
        for shopper in Shopper::ALL {
            assert_eq!(Shopper::named(shopper.name()), Some(shopper));
            assert_eq!(Shopper::of_id(shopper.user_id()), Some(shopper));
        }
        assert_eq!((Shopper::named("mallory"), Shopper::of_id("")), (None, None));
    }

    #[test]
    fn what_gives_a_user_away_is_all_that_is_known() {
        assert_eq!(Shopper::Ada.traces(), ["ada", "1815", "ada@shop.example", "customer", "36", "gold"]);
    }
}
