"""What old Keras code and files say, put into today's words; no Keras needed."""
