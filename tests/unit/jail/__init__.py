"""The jail wall without a jail: names, rules, plans, and what tools say."""
