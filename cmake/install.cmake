# make install DESTDIR= PREFIX=: the program, libtft (static, shared, headers, pkg-config) and man pages.
install(TARGETS tftd RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS tft_static tft_shared ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/tft DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
configure_file(cmake/tft.pc.in ${CMAKE_BINARY_DIR}/tft.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/tft.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(GLOB MAN1 CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/man/*.1)
install(FILES ${MAN1} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
