"""SealedSecret and Secret documents: read strictly, rendered, and edited in place byte by byte. Pure."""
