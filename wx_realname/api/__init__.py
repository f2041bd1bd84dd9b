"""The REST interface: thin views over `wx_realname.services`, JSON in and out."""
