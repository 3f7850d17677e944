"""The plan document: fields, rules, graph, text form, and the Recovery Plans of DRS."""
